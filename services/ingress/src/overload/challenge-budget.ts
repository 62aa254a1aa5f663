/**
 * What may be answered to those who did not pay, while those who do keep the process busy. One for
 * so many payments is always answered; above that the rate is halved as long as the process is
 * busy, and grows slowly when it is not. A storm of challenges gets what the crawls leave, never
 * their share. Where nobody pays, or nothing was ever busy, there is no limit. The challenge that
 * each crawl needs before its payment is not in it: a connection that paid has its own.
 */
export interface ChallengeBudget {
  /** In force; infinite where there is no limit. */
  perS: number;
  tokens: number;
  /** Since the last look. */
  issued: number;
  paid: number;
  /** Smoothed. */
  paidPerS: number;
  lookedMs: number;
  lastPaymentMs: number;
}

export interface ChallengeBudgetKnobs {
  /** For each challenge that is always answered. */
  readonly paymentsEach: number;
  readonly perSMin: number;
}

/** Payments that came longer ago than this contend with nobody. */
const paymentsLatelyMs = 1_000;
/** At each look, so that it doubles in about a second and a half. */
const growth = 1.05;
const cut = 0.5;
/** More than any process can answer. */
const unlimitedPerS = 1_000_000;
/** What is not used is saved up for this long: requests come in bursts. */
const savedS = 0.25;
/** Of the newest look, of ten in a second. */
const smoothing = 0.2;

export function initialBudget(): ChallengeBudget {
  return {
    ...{ perS: Infinity, tokens: 0, issued: 0, paid: 0, paidPerS: 0 },
    ...{ lookedMs: 0, lastPaymentMs: -Infinity },
  };
}

export function onPayment(state: ChallengeBudget, nowMs: number): void {
  state.lastPaymentMs = nowMs;
  state.paid += 1;
}

/** Ten times a second. */
export function look(
  state: ChallengeBudget,
  { paymentsEach, perSMin }: ChallengeBudgetKnobs,
  { isBusy, nowMs }: { readonly isBusy: boolean; readonly nowMs: number },
): void {
  const passedS = (nowMs - state.lookedMs) / 1000;
  if (passedS <= 0) return;
  const issuedPerS = state.issued / passedS;
  state.paidPerS += smoothing * (state.paid / passedS - state.paidPerS);
  state.lookedMs = nowMs;
  state.issued = 0;
  state.paid = 0;
  const least = perSMin + state.paidPerS / paymentsEach;
  if (nowMs - state.lastPaymentMs >= paymentsLatelyMs) state.perS = Infinity;
  else if (isBusy) state.perS = Math.max(least, cut * Math.min(state.perS, issuedPerS));
  else if (state.perS < unlimitedPerS) state.perS = Math.max(least, growth * state.perS);
  else state.perS = Infinity;
  if (state.perS === Infinity) return;
  state.tokens = Math.min(state.perS * savedS, state.tokens + state.perS * passedS);
}

/** Whether one more may be issued; if so it is counted. */
export function take(state: ChallengeBudget): boolean {
  if (state.perS !== Infinity) {
    if (state.tokens < 1) return false;
    state.tokens -= 1;
  }
  state.issued += 1;
  return true;
}
