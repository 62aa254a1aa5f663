/**
 * What may be answered to those who do not pay, while those who do keep the process busy. Every
 * crawl needs one challenge before its payment, so the budget follows the payments: a storm of
 * challenges gets its share, never the share of the crawls. Without contention it is not asked.
 */
export interface ChallengeBudget {
  tokens: number;
  filledMs: number;
  lastPaymentMs: number;
}

export interface ChallengeBudgetKnobs {
  readonly perPayment: number;
  readonly perSMin: number;
}

/** Payments that came longer ago than this contend with nobody. */
const paymentsLatelyMs = 1_000;
/** More than this of either source is not saved up. */
const savedSMax = 1;
const savedPaymentsMax = 256;

export function initialBudget(knobs: ChallengeBudgetKnobs): ChallengeBudget {
  return { tokens: tokensMax(knobs), filledMs: 0, lastPaymentMs: -Infinity };
}

export function onPayment(
  state: ChallengeBudget,
  knobs: ChallengeBudgetKnobs,
  nowMs: number,
): void {
  state.lastPaymentMs = nowMs;
  state.tokens = Math.min(tokensMax(knobs), state.tokens + knobs.perPayment);
}

/** Ten times a second. */
export function refill(state: ChallengeBudget, knobs: ChallengeBudgetKnobs, nowMs: number): void {
  const passedS = Math.max(0, nowMs - state.filledMs) / 1000;
  state.filledMs = nowMs;
  state.tokens = Math.min(tokensMax(knobs), state.tokens + passedS * knobs.perSMin);
}

export function hasPaymentsLately({ lastPaymentMs }: ChallengeBudget, nowMs: number): boolean {
  return nowMs - lastPaymentMs < paymentsLatelyMs;
}

/** Whether one more may be issued; if so it is counted. */
export function take(state: ChallengeBudget): boolean {
  if (state.tokens < 1) return false;
  state.tokens -= 1;
  return true;
}

function tokensMax({ perPayment, perSMin }: ChallengeBudgetKnobs): number {
  return savedSMax * perSMin + savedPaymentsMax * perPayment;
}
