// The facilitator's /verify in steps of a growing rate, to find the knee: the last step that keeps
// up with what arrives, in time. RATE is that of the last step.
import {
  arrivals,
  durationS,
  limits,
  proofs,
  ratePerS,
  settings,
  summary,
  turn,
  verify,
} from './lib.js';

const steps = 8;
const stepS = Math.max(1, Math.floor(durationS / steps));
/** Between steps: what is late from one does not count in the next. */
const pauseS = 1;
const p99MsMax = 250;

function rateOf(step) {
  return Math.max(1, Math.round((ratePerS * step) / steps));
}

const scenarios = {};
const thresholds = {};
for (let step = 1; step <= steps; step++) {
  const kind = `step-${step}`;
  scenarios[kind] = arrivals('ask', rateOf(step), {
    env: { STEP: kind },
    startTime: `${(step - 1) * (stepS + pauseS)}s`,
    duration: `${stepS}s`,
    gracefulStop: '0s',
  });
  // Only the first step has to be managed; of the others it is written down how they went.
  Object.assign(
    thresholds,
    limits(kind, step === 1 ? { least: 0.99, p99Ms: 1_000 } : { least: 0 }),
  );
}

export const options = settings({ scenarios, thresholds });

export function ask() {
  verify(proofs[turn() % proofs.length], __ENV.STEP);
}

/** A step is kept if 95 % of what should come was answered rightly, and in time. */
export function kneeOf(metrics) {
  const kept = [];
  for (let step = 1; step <= steps; step++) {
    const right = metrics[`ok{kind:step-${step}}`]?.values.passes ?? 0;
    const p99Ms = metrics[`ms{kind:step-${step}}`]?.values['p(99)'] ?? 0;
    const rate = rateOf(step);
    if (right < 0.95 * rate * stepS || p99Ms > p99MsMax) break;
    kept.push({ offeredPerS: rate, rightPerS: right / stepS, p99Ms });
  }
  const isBeyond = kept.length === steps;
  return { knee: { ...(kept.at(-1) ?? { offeredPerS: 0 }), isBeyond } };
}

export const handleSummary = summary('verification-ramp', kneeOf);
