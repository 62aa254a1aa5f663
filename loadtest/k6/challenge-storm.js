// Crawlers that never pay. Each answer is an offer that was durable before it was sent.
import { arrivals, askUnpaid, limits, ratePerS, settings, summary } from './lib.js';

export const options = settings({
  scenarios: { storm: arrivals('storm', ratePerS) },
  thresholds: limits('challenge', { least: 0.999, p99Ms: 1_000 }),
});

export function storm() {
  askUnpaid('challenge');
}

export const handleSummary = summary('challenge-storm');
