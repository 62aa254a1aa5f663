/**
 * What an owner does with its input, in this order. Every step is named where it is done, so that
 * a test can end the process after each of them: nothing may be lost or doubled.
 */
export const foldSteps = ['folded', 'written', 'stored', 'committed'] as const;
export type FoldStep = (typeof foldSteps)[number];
