import { fail } from '@paycrawl/errors/paycrawl-error';
import {
  type Account,
  type AdmissionView,
  accountKey,
  fundsFreshMs,
  obligations,
} from './state.js';

/**
 * Every write of an account. Negative sums mean that this fold or one of its inputs is wrong about
 * money: the payer is parked before anything of the record is kept.
 */
export function setAccount(
  view: AdmissionView,
  of: { payer: string; asset: string },
  next: Account,
): void {
  if (next.held < 0n || next.unsettled < 0n || next.proofs < 0) {
    throw fail('admission_books_broken', `the account of ${of.payer} does not add up`);
  }
  const key = accountKey(of.payer, of.asset);
  const isOver = isIdle(next) && view.nowMs >= forgetAtMs(next);
  if (isOver) return view.delete(key);
  view.set(key, next);
  if (isIdle(next)) view.setTimer(key, forgetAtMs(next));
}

/** Nothing is open, nothing is owed, nothing is remembered: it may be forgotten. */
function isIdle(account: Account): boolean {
  return account.proofs === 0 && account.losses === 0n && obligations(account) === 0n;
}

/** What was observed is kept a moment, so that endless empty wallets cost the chain little. */
function forgetAtMs({ funds }: Account): number {
  return funds === undefined ? 0 : funds.observedAtMs + fundsFreshMs;
}

export function forgetIdleAccount(view: AdmissionView, key: string): void {
  const known = view.get<Account>(key);
  if (known !== undefined && isIdle(known) && view.nowMs >= forgetAtMs(known)) view.delete(key);
}
