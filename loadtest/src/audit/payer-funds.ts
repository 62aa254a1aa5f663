import type { EventOfType } from '@paycrawl/events/event';
import type { Report } from './finding.js';

/** One payer in one asset: the observed balance and what it must cover. */
export interface PayerFunds {
  observe(seen: EventOfType<'FundsObserved'>['data']): void;
  open(amount: bigint, chargeId: string): void;
  /** A hold was released, or a charge was written off. */
  close(amount: bigint): void;
  /** Settled in a block: it counts until an observation at or after that block. */
  settle(amount: bigint, blockNumber: number): void;
}

export function createPayerFunds(report: Report): PayerFunds {
  let balance: bigint | undefined;
  let observedAt = -1;
  let obligations = 0n;
  let leaving: { amount: bigint; blockNumber: number }[] = [];
  return {
    observe(seen) {
      // A higher block replaces a lower one, nothing else does.
      if (seen.blockNumber <= observedAt) return;
      observedAt = seen.blockNumber;
      balance = BigInt(seen.balance);
      for (const { amount, blockNumber } of leaving) {
        if (blockNumber <= observedAt) obligations -= amount;
      }
      leaving = leaving.filter(({ blockNumber }) => blockNumber > observedAt);
    },
    open(amount, chargeId) {
      obligations += amount;
      if (balance !== undefined && obligations <= balance) return;
      const observed = balance === undefined ? 'nothing' : `${balance} at block ${observedAt}`;
      report('obligations_exceed_balance', chargeId, `${obligations} owed, ${observed} observed`);
    },
    close: (amount) => {
      obligations -= amount;
    },
    settle(amount, blockNumber) {
      if (blockNumber <= observedAt) obligations -= amount;
      else leaving.push({ amount, blockNumber });
    },
  };
}
