import type { ChargeKind } from '@paycrawl/events/schema';
import type { ReadView } from '@paycrawl/fold/fold';
import { encodeOwner } from '@paycrawl/ledger/account';
import type { Outstanding } from '@paycrawl/ledger/transaction';

/** Entities of one partition of metering, by key. All amounts are bigint in atomic units. */

/** Sums of both sides of one account in one asset; balances are sums over partitions. */
export interface AccountTotals {
  readonly debit: bigint;
  readonly credit: bigint;
}

/** A posted charge until its end: where it stands in the books, and with how much. */
export interface OpenCharge {
  readonly at: Outstanding;
  readonly amount: bigint;
}

/** What happened for one publisher in one asset on one day (UTC, log time). */
export interface Usage {
  readonly charged: number;
  readonly chargedAmount: bigint;
  readonly chargedBytes: number;
  readonly released: number;
  readonly rejected: number;
  readonly lost: number;
  readonly lostAmount: bigint;
  readonly settled: number;
  readonly settledAmount: bigint;
  readonly uncollectible: number;
  readonly uncollectibleAmount: bigint;
}

export interface PlatformFee {
  readonly version: number;
  readonly feeBps: number;
}

/** What an amount is counted in: a token of a network, or `native` for the network's own. */
export interface BooksAsset {
  readonly network: string;
  readonly asset: string;
}

export const feeKey = 'fee';
export const noFee: PlatformFee = { version: 0, feeBps: 0 };
export const noTotals: AccountTotals = { debit: 0n, credit: 0n };
export const noUsage: Usage = {
  charged: 0,
  chargedAmount: 0n,
  chargedBytes: 0,
  released: 0,
  rejected: 0,
  lost: 0,
  lostAmount: 0n,
  settled: 0,
  settledAmount: 0n,
  uncollectible: 0,
  uncollectibleAmount: 0n,
};

export const accountPrefix = 'acc/';
export const sumPrefix = 'sum/';

export function accountKey({ network, asset }: BooksAsset, account: string): string {
  return `${accountPrefix}${network}/${asset}/${account}`;
}

export function sumKey({ network, asset }: BooksAsset): string {
  return `${sumPrefix}${network}/${asset}`;
}

export function openChargeKey(chargeId: string): string {
  return `open/${encodeOwner(chargeId)}`;
}

const dayMs = 86_400_000;
const dayDigits = 6;

/** All days of a publisher stand together, in order. */
export function usageKey(of: BooksAsset & { publisherId: string }, nowMs: number): string {
  const day = String(Math.floor(nowMs / dayMs)).padStart(dayDigits, '0');
  return `use/${encodeOwner(of.publisherId)}/${of.network}/${of.asset}/${day}`;
}

/** The totals of every account in every asset of this partition, by `network/asset/account`. */
export function accountTotals(view: ReadView): Map<string, AccountTotals> {
  const entries = view.range<AccountTotals>(accountPrefix);
  return new Map(entries.map(([key, totals]) => [key.slice(accountPrefix.length), totals]));
}

export interface ChargeRef extends BooksAsset {
  readonly chargeId: string;
  readonly payer: string;
  readonly publisherId: string;
  readonly kind: ChargeKind;
  readonly amount: string;
}
