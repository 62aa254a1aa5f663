// A day in minutes: a quiet night, a busy morning, people at noon, crawlers in the evening. RATE is
// that of paid crawls at the peak.
import {
  arrivals,
  askUnpaid,
  durationS,
  introduce,
  isBusy,
  isPaid,
  limits,
  pay,
  proofAt,
  ratePerS,
  settings,
  summary,
  turn,
  visit,
} from './lib.js';

// Shares of the peak, in six parts of the day from midnight.
const shapes = {
  paid: [0.2, 0.3, 0.8, 0.6, 1, 0.4],
  unpaid: [0.5, 0.5, 1, 0.7, 1, 0.6],
  people: [0.1, 0.3, 0.8, 1, 0.9, 0.3],
};

function day(exec, peak) {
  const { duration, rate, ...others } = arrivals(exec, peak);
  const parts = shapes[exec].map((share) => Math.max(1, Math.round(rate * share)));
  const partS = Math.max(1, Math.floor(durationS / parts.length));
  return {
    ...others,
    executor: 'ramping-arrival-rate',
    startRate: parts[0],
    stages: parts.map((target) => ({ target, duration: `${partS}s` })),
  };
}

export const options = settings({
  scenarios: {
    paid: day('paid', ratePerS),
    unpaid: day('unpaid', ratePerS * 2),
    people: day('people', ratePerS),
  },
  thresholds: {
    ...limits('paid', { least: 0.999, p99Ms: 1_000 }),
    ...limits('again', { least: 0.99 }),
    ...limits('challenge', { least: 0.999, p99Ms: 1_000 }),
    ...limits('people', { least: 0.999, p99Ms: 1_000 }),
  },
});

export const setup = introduce;

/** One of twenty lost its answer and asks again with the same proof. */
export function paid() {
  const n = turn();
  const proof = proofAt(n);
  if (proof === undefined) return;
  pay(proof, 'paid');
  if (n % 20 === 0) pay(proof, 'again', (response) => isPaid(response) || isBusy(response));
}

export function unpaid() {
  askUnpaid('challenge');
}

export function people() {
  visit('people');
}

export const handleSummary = summary('mixed-day');
