import type { EventOfType } from '@paycrawl/events/event';
import type { Authorization, ChargeKind } from '@paycrawl/events/schema';
import type { Outstanding } from '@paycrawl/ledger/transaction';

/** Everything the audit remembers of one authorization. */
export interface ChargeStory {
  readonly chargeId: string;
  readonly payer: string;
  readonly publisherId: string;
  readonly network: string;
  readonly asset: string;
  readonly amount: bigint;
  readonly kind: ChargeKind;
  /** The open hold, and how many `TimePassed` came after its end. */
  hold: { readonly expiresAtMs: number; timePassedAfter: number } | undefined;
  wasHeld: boolean;
  charge: Charge | undefined;
  lost: boolean;
}

export interface Charge {
  readonly authorization: Pick<Authorization, 'from' | 'nonce'>;
  readonly payTo: string;
  at: Outstanding | 'settled' | 'uncollectible';
  settledIn: SettledIn | undefined;
}

export type SettledIn = Pick<
  EventOfType<'ChargeSettled'>['data'],
  'batchId' | 'transactionHash' | 'blockNumber' | 'paidElsewhere'
>;

/** Cumulative sums in one asset: each may never exceed the one before it. */
export interface Sums {
  authorized: bigint;
  held: bigint;
  charged: bigint;
  settled: bigint;
}

export const noSums = (): Sums => ({ authorized: 0n, held: 0n, charged: 0n, settled: 0n });
