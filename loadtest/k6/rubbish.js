// Rubbish among good proofs: nothing of it is served or reaches a payer's account, and those who
// pay do not suffer.
import {
  arrivals,
  decoded,
  durationS,
  encoded,
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
    good: arrivals('good', ratePerS / 2),
    bad: arrivals('bad', ratePerS / 2),
  },
  thresholds: {
    ...limits('paid', { least: 0.999, p99Ms: 1_000 }),
    ...limits('rubbish', { least: 1, p99Ms: 1_000 }),
  },
});

export const setup = introduce;

export function good() {
  const proof = proofAt(turn());
  if (proof !== undefined) pay(proof, 'paid');
}

/** Ways to be wrong; each gets a proof that was never used and makes rubbish of it. */
const spoilers = [
  () => 'not base64 !',
  () => 'e30=',
  () => encoded([1, 2, 3]),
  (proof) => proof.slice(0, Math.floor(proof.length / 2)),
  (proof) => proof.replaceAll('A', '-'),
  (proof) => changed(proof, (payment) => Object.assign(payment, { x402Version: 7 })),
  (proof) => changed(proof, (payment) => Object.assign(payment, { payload: null })),
  (proof) => changed(proof, ({ accepted }) => Object.assign(accepted, { amount: '1' })),
  (proof) => changed(proof, ({ accepted }) => Object.assign(accepted, { network: 'eip155:1' })),
  (proof) => changed(proof, ({ payload }) => otherDigit(payload)),
  (proof) => changed(proof, ({ payload }) => Object.assign(payload, { signature: '0x00' })),
  (proof) => changed(proof, ({ payload }) => Object.assign(payload.authorization, { value: '1' })),
];

export function bad() {
  const n = turn();
  // Signed for this run and not paid with: they lie behind those that are.
  const proof = proofAt((Math.ceil(ratePerS / 2) + 1) * durationS + n);
  const spoil = spoilers[n % spoilers.length];
  if (proof !== undefined) pay(spoil(proof), 'rubbish', isRefused);
}

function changed(proof, change) {
  const payment = decoded(proof);
  change(payment);
  return encoded(payment);
}

/** Recovers to somebody else, or to nobody. */
function otherDigit(payload) {
  const at = 20;
  const digit = payload.signature.charAt(at) === '0' ? '1' : '0';
  payload.signature = payload.signature.slice(0, at) + digit + payload.signature.slice(at + 1);
}

/** Told to pay (402) or that it is no payment (400); never served, never an error of ours. */
function isRefused({ status }) {
  return status === 402 || status === 400;
}

export const handleSummary = summary('rubbish');
