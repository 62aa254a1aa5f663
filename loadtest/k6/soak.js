// Half of what the machine can do, for long: nothing may grow, slow down or get lost.
import {
  arrivals,
  askUnpaid,
  introduce,
  limits,
  pay,
  proofAt,
  ratePerS,
  settings,
  summary,
  turn,
} from './lib.js';

export const options = settings({
  scenarios: {
    paid: arrivals('paid', ratePerS),
    unpaid: arrivals('unpaid', ratePerS),
  },
  thresholds: {
    ...limits('paid', { least: 0.9999, p99Ms: 1_000 }),
    ...limits('challenge', { least: 0.9999, p99Ms: 1_000 }),
  },
});

export const setup = introduce;

export function paid() {
  const proof = proofAt(turn());
  if (proof !== undefined) pay(proof, 'paid');
}

export function unpaid() {
  askUnpaid('challenge');
}

export const handleSummary = summary('soak');
