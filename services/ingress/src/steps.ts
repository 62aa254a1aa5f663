/**
 * What happens to a presented proof, in this order. Every step is named where it is done, so that
 * a test can end the process after each of them: nothing may be lost or doubled.
 */
export const ingressSteps = [
  'proof_appended',
  'decided',
  'origin_fetched',
  'outcome_appended',
  'answered',
] as const;
export type IngressStep = (typeof ingressSteps)[number];
