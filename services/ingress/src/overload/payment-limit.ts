/**
 * How many proofs may wait for their decision at once. A verifier that cannot keep up would
 * otherwise decide proofs whose clients have given up: all work, nothing delivered. By Little's law
 * the wait is the number that waits over the rate of decisions, so the number is the handle.
 *
 * What counts is the shortest wait of a while: one payer may wait for its funds, or one partition
 * for its owner; if nobody was quick, everybody stands in a queue.
 */
export interface PaymentLimit {
  limit: number;
  /** Of the decisions since the last look; infinite where there was none. */
  shortestMs: number;
  /** Most that waited since the last look. */
  waitingMost: number;
  /** What an adjustment did shows only after a whole wait. */
  nextCutMs: number;
}

export interface PaymentLimitKnobs {
  readonly waitMsMax: number;
  readonly waitingMax: number;
}

/** Even the slowest verifier is given this many: enough for company in its batches. */
export const waitingMin = 64;
/** At each look, so that it doubles in about a second and a half. */
const growth = 1.05;
/** Of the longest wait; up to it the number grows, and what it does shows only a wait later. */
const growsBelow = 0.5;

export function initialLimit({ waitingMax }: PaymentLimitKnobs): PaymentLimit {
  return { limit: waitingMax, shortestMs: Infinity, waitingMost: 0, nextCutMs: 0 };
}

/** Ten times a second. */
export function adjust(state: PaymentLimit, knobs: PaymentLimitKnobs, nowMs: number): void {
  const { shortestMs, waitingMost } = state;
  const { waitMsMax, waitingMax } = knobs;
  state.shortestMs = Infinity;
  state.waitingMost = 0;
  // Nothing was decided, nothing was learnt: the bound of all payments holds alone.
  if (shortestMs === Infinity) return;
  if (shortestMs <= waitMsMax * growsBelow) {
    state.limit = Math.min(waitingMax, Math.ceil(state.limit * growth));
    return;
  }
  if (shortestMs <= waitMsMax || nowMs < state.nextCutMs) return;
  state.nextCutMs = nowMs + shortestMs;
  const waited = Math.min(state.limit, Math.max(waitingMost, waitingMin));
  const inTime = Math.floor((waited * waitMsMax) / shortestMs);
  state.limit = Math.min(waitingMax, Math.max(waitingMin, inTime));
}
