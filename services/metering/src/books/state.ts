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
  const { accounts } = keysOf(network, asset);
  const found = accounts.get(account);
  if (found !== undefined) return found;
  const key = `${accountPrefix}${network}/${asset}/${account}`;
  keep(accounts, account, key);
  return key;
}

export function sumKey({ network, asset }: BooksAsset): string {
  return keysOf(network, asset).sum;
}

export function openChargeKey(chargeId: string): string {
  return `open/${encodeOwner(chargeId)}`;
}

const dayMs = 86_400_000;
const dayDigits = 6;

/** All days of a publisher stand together, in order. */
export function usageKey(of: BooksAsset & { publisherId: string }, nowMs: number): string {
  const keys = keysOf(of.network, of.asset);
  const day = Math.floor(nowMs / dayMs);
  if (keys.day !== day) keys.usage.clear();
  keys.day = day;
  const found = keys.usage.get(of.publisherId);
  if (found !== undefined) return found;
  const dayText = String(day).padStart(dayDigits, '0');
  const key = `use/${encodeOwner(of.publisherId)}/${of.network}/${of.asset}/${dayText}`;
  keep(keys.usage, of.publisherId, key);
  return key;
}

/**
 * Every charge writes the same few keys again: made once, they are found by their kept hash, where
 * a new string would be put together and hashed at each use.
 */
interface AssetKeys {
  readonly sum: string;
  readonly accounts: Map<string, string>;
  /** By publisher, of this day. */
  readonly usage: Map<string, string>;
  day: number;
}

const knownKeys = new Map<string, Map<string, AssetKeys>>();
const keysMax = 10_000;

function keysOf(network: string, asset: string): AssetKeys {
  const ofNetwork = knownKeys.get(network) ?? new Map<string, AssetKeys>();
  const found = ofNetwork.get(asset);
  if (found !== undefined) return found;
  const sum = `${sumPrefix}${network}/${asset}`;
  const keys: AssetKeys = { sum, accounts: new Map(), usage: new Map(), day: 0 };
  keep(ofNetwork, asset, keys);
  keep(knownKeys, network, ofNetwork);
  return keys;
}

/** Bounded: what is forgotten is made again. */
function keep<Value>(known: Map<string, Value>, name: string, value: Value): void {
  if (known.size >= keysMax) known.clear();
  known.set(name, value);
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
