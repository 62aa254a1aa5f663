import { fail } from '@paycrawl/errors/paycrawl-error';

/** What a script of `loadtest/k6` needs from outside; what it does stands there. */
export interface Scenario {
  readonly name: string;
  readonly ratePerS: number;
  readonly durationS: number;
  /** How many proofs it uses, beside the first of every payer. */
  proofs(ratePerS: number, durationS: number): number;
}

const each = (ratePerS: number, durationS: number) => ratePerS * durationS + ratePerS;
const tenth = (ratePerS: number, durationS: number) => Math.ceil(each(ratePerS, durationS) / 10);

const all: readonly Scenario[] = [
  { name: 'challenge-storm', ratePerS: 1_000, durationS: 60, proofs: () => 0 },
  { name: 'paid-steady', ratePerS: 200, durationS: 60, proofs: each },
  { name: 'paid-in-storm', ratePerS: 50, durationS: 60, proofs: each },
  // The same proofs are asked about again and again.
  { name: 'verification-ramp', ratePerS: 2_000, durationS: 80, proofs: () => 2_000 },
  { name: 'replay-attack', ratePerS: 500, durationS: 60, proofs: tenth },
  // Half of them good; the others are spoiled.
  { name: 'rubbish', ratePerS: 300, durationS: 60, proofs: (r, s) => each(r, s) + 2 * s },
  { name: 'mixed-day', ratePerS: 200, durationS: 240, proofs: each },
  { name: 'soak', ratePerS: 100, durationS: 1_800, proofs: each },
];

export const scenarioNames: readonly string[] = all.map(({ name }) => name);

/** A run ends, and fits into the memory of one k6. */
const durationSMax = 4 * 3600;
const requestsMax = 2_000_000;

export function scenarioOf(
  name: string,
  asked: { readonly ratePerS?: number | undefined; readonly durationS?: number | undefined },
): { readonly ratePerS: number; readonly durationS: number; readonly proofs: number } {
  const scenario = all.find((one) => one.name === name);
  if (scenario === undefined) {
    throw fail('config_invalid', `no scenario ${name}: ${scenarioNames.join(', ')}`);
  }
  const { ratePerS = scenario.ratePerS, durationS = scenario.durationS } = asked;
  if (!(ratePerS >= 1) || !(durationS >= 1)) {
    throw fail('config_invalid', 'rate and duration are whole numbers from 1');
  }
  if (durationS > durationSMax || ratePerS * durationS > requestsMax) {
    const most = `${durationSMax} seconds and ${requestsMax} requests`;
    throw fail('config_invalid', `a run has at most ${most}`);
  }
  return { ratePerS, durationS, proofs: scenario.proofs(ratePerS, durationS) };
}
