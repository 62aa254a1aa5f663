import type { DataOf } from '@paycrawl/events/definition';
import type { FundsObserved } from '@paycrawl/events/payments';
import { setAccount } from './account.js';
import { decideWaiting } from './admit.js';
import { type AdmissionView, account, wantedKey } from './state.js';
import { wantFunds } from './want.js';

/** A higher block replaces a lower one, nothing else does; the same block answers again. */
export function onFundsObserved(view: AdmissionView, seen: DataOf<typeof FundsObserved>): void {
  const before = account(view, seen);
  // The question stands: the watcher asks on until a block at or above the known one answers.
  if (before.funds !== undefined && seen.blockNumber < before.funds.blockNumber) return;
  const isNewer = before.funds === undefined || seen.blockNumber > before.funds.blockNumber;
  const funds = isNewer
    ? {
        balance: BigInt(seen.balance),
        hasCode: seen.hasCode,
        blockNumber: seen.blockNumber,
        observedAtMs: view.nowMs,
      }
    : { ...before.funds, observedAtMs: view.nowMs };
  // An obligation leaves the sum at an observation at or after the block of its transfer.
  const leaving = before.leaving.filter(({ blockNumber }) => blockNumber > seen.blockNumber);
  setAccount(view, seen, { ...before, funds, leaving });
  view.delete(wantedKey(seen.payer, seen.asset));
  const used = new Set(seen.nonces.filter((nonce) => nonce.used).map(({ nonce }) => nonce));
  decideWaiting(view, seen, used);
  if (leaving.length > 0) wantFunds(view, seen);
}
