/**
 * What happens to a batch, in this order. Every step is named where it is done, so that a test
 * can end the process after each of them: nothing may be paid twice, and nothing forgotten.
 */
export const settlementSteps = [
  'sealed',
  'proposed',
  'read_back',
  'submitted',
  'observed',
] as const;
export type SettlementStep = (typeof settlementSteps)[number];
