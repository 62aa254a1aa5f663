import type { DataOf } from '@paycrawl/events/definition';
import type { FundsObserved } from '@paycrawl/events/payments';
import { decideWaiting } from './admit.js';
import {
  type Account,
  type Admission,
  type AdmissionView,
  account,
  accountKey,
  admissionKey,
  type Wanted,
  wantedKey,
} from './state.js';

/** Asks for an observation; one question per payer and asset stands at a time. */
export function wantFunds(
  view: AdmissionView,
  of: { payer: string; network: string; asset: string },
): void {
  const key = wantedKey(of.payer, of.asset);
  if (view.get(key) !== undefined) return;
  const { payer, network, asset } = of;
  view.set(key, { payer, network, asset, sinceMs: view.nowMs } satisfies Wanted);
  view.emit({
    topic: 'decisions',
    key: payer,
    type: 'FundsRequested',
    data: { payer, network, asset, nonces: waitingNonces(view, of) },
  });
}

/** The nonces whose state on chain is asked together with the balance. */
export function waitingNonces(
  view: { get<Value>(key: string): Value | undefined },
  of: { payer: string; asset: string },
): string[] {
  const { waiting } = view.get<Account>(accountKey(of.payer, of.asset)) ?? { waiting: [] };
  return waiting.flatMap((chargeId) => {
    const admission = view.get<Admission>(admissionKey(chargeId));
    return admission?.status === 'waiting' ? [admission.proof.authorization.nonce] : [];
  });
}

/** A higher block replaces a lower one, nothing else does. */
export function onFundsObserved(view: AdmissionView, seen: DataOf<typeof FundsObserved>): void {
  const before = account(view, seen);
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
  view.set(accountKey(seen.payer, seen.asset), { ...before, funds, leaving } as Account);
  view.delete(wantedKey(seen.payer, seen.asset));
  const used = new Set(seen.nonces.filter((nonce) => nonce.used).map(({ nonce }) => nonce));
  decideWaiting(view, seen, used);
  if (leaving.length > 0) wantFunds(view, seen);
}
