// Those who pay, beside twenty times as many who do not: the ones are served, the others get an
// offer or are told when to come back.
import {
  arrivals,
  askUnpaid,
  introduce,
  isBusy,
  isOffer,
  limits,
  pay,
  proofAt,
  ratePerS,
  settings,
  summary,
  turn,
} from './lib.js';

const stormTimes = 20;

export const options = settings({
  scenarios: {
    paid: arrivals('paid', ratePerS),
    storm: arrivals('storm', stormTimes * ratePerS),
  },
  thresholds: {
    ...limits('paid', { least: 0.99, p99Ms: 2_000 }),
    ...limits('storm', { least: 0.999 }),
  },
});

export const setup = introduce;

export function paid() {
  const proof = proofAt(turn());
  if (proof !== undefined) pay(proof, 'paid');
}

export function storm() {
  askUnpaid('storm', (response) => isOffer(response) || isBusy(response));
}

export const handleSummary = summary('paid-in-storm');
