// Nine of ten requests repeat a proof that was used. The same page may be served again for it, and
// another one never; whatever is served, the audit finds each proof charged once.
import {
  arrivals,
  introduce,
  isBusy,
  isOffer,
  isPaid,
  limits,
  pay,
  proofAt,
  ratePerS,
  settings,
  summary,
  turn,
  url,
} from './lib.js';

/** A proof is for one URL, its query included. */
const elsewhere = `${url}${url.includes('?') ? '&' : '?'}elsewhere`;
/** A repeat comes this many proofs after the first; nearer ones meet the first on its way. */
const apart = 5;

export const options = settings({
  scenarios: { attack: arrivals('attack', ratePerS) },
  thresholds: {
    ...limits('fresh', { least: 0.999, p99Ms: 1_000 }),
    ...limits('repeat', { least: 0.999 }),
    // Not one page for a proof that was for another one.
    ...limits('elsewhere', { least: 1 }),
  },
});

export const setup = introduce;

export function attack() {
  const n = turn();
  const tenth = Math.floor(n / 10);
  const part = n % 10;
  if (part === 0) {
    const proof = proofAt(tenth);
    if (proof !== undefined) pay(proof, 'fresh');
    return;
  }
  const used = proofAt(Math.max(0, tenth - (part % apart)));
  if (used === undefined) return;
  if (part === 9) pay(used, 'elsewhere', isOffer, elsewhere);
  else pay(used, 'repeat', (response) => isPaid(response) || isBusy(response));
}

export const handleSummary = summary('replay-attack');
