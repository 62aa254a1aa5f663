// Known payers crawl at one rate, each time with a proof of its own.
import {
  arrivals,
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
  scenarios: { steady: arrivals('steady', ratePerS) },
  thresholds: {
    ...limits('paid', { least: 0.999, p99Ms: 1_000 }),
    dropped_iterations: [`count<=${ratePerS}`],
  },
});

export const setup = introduce;

export function steady() {
  const proof = proofAt(turn());
  if (proof !== undefined) pay(proof, 'paid');
}

export const handleSummary = summary('paid-steady');
