import { fail } from '@paycrawl/errors/paycrawl-error';

/** What an amount is counted in: a CAIP-19 id such as `eip155:84532/erc20:0x036c…`, lower case. */
export interface Asset {
  readonly id: string;
  readonly symbol: string;
  /** Atomic units of one whole unit = 10^decimals. */
  readonly decimals: number;
}

/** An integer number of atomic units of an asset; never a float, never without its asset. */
export interface Amount {
  readonly asset: Asset;
  readonly atomic: bigint;
}

/** A human price such as `USD 0.001`, kept exactly as millionths of its currency. */
export interface Price {
  readonly currency: string;
  readonly micros: bigint;
}

/** 2^256 − 1, the largest value that a uint256 holds, has 78 digits. */
export const atomicDigitsMax = 78;
export const uint256Max = 2n ** 256n - 1n;
const priceDecimals = 6;
// price = 3UPALPHA SP 1*12DIGIT ["." 1*6DIGIT]; integer part without leading zeros, so that one
// price has one integer part.
const priceGrammar = /^([A-Z]{3}) (0|[1-9][0-9]{0,11})(?:\.([0-9]{1,6}))?$/;
const atomicGrammar = /^(?:0|[1-9][0-9]{0,77})$/;

export function amountOf(asset: Asset, atomic: bigint): Amount {
  return { asset, atomic };
}

export function zeroOf(asset: Asset): Amount {
  return { asset, atomic: 0n };
}

export function isAtomic(text: unknown): text is string {
  return typeof text === 'string' && atomicGrammar.test(text);
}

/** Reads the decimal string of a wire: digits only, no sign, no leading zero, at most 78 digits. */
export function parseAtomic(text: string): bigint {
  if (!isAtomic(text)) throw fail('money_atomic_invalid', 'not a decimal string of atomic units');
  return BigInt(text);
}

/** The decimal string that goes on every wire and into every event. */
export function formatAtomic(atomic: bigint): string {
  if (atomic < 0n) throw fail('money_negative', 'an amount on a wire is not negative');
  return atomic.toString();
}

export function isPrice(text: unknown): text is string {
  return typeof text === 'string' && priceGrammar.test(text);
}

export function parsePrice(text: string): Price {
  const match = priceGrammar.exec(text);
  const [, currency, whole, fraction = ''] = match ?? [];
  if (currency === undefined || whole === undefined) {
    throw fail('money_price_invalid', 'a price looks like "USD 0.001", with at most 6 decimals');
  }
  return { currency, micros: BigInt(whole + fraction.padEnd(priceDecimals, '0')) };
}

/** Shortest exact form with at least two decimals: `USD 0.001`, `USD 1.00`. */
export function formatPrice(price: Price): string {
  const digits = price.micros.toString().padStart(priceDecimals + 1, '0');
  const whole = digits.slice(0, -priceDecimals);
  return `${price.currency} ${whole}.${trimFraction(digits.slice(-priceDecimals))}`;
}

/**
 * The atomic units that a price is worth in an asset that tracks its currency one to one. A unit
 * that the asset cannot express is given to the payer.
 */
export function priceToAtomicRoundingDown(price: Price, asset: Asset): bigint {
  if (asset.decimals >= priceDecimals) {
    return price.micros * 10n ** BigInt(asset.decimals - priceDecimals);
  }
  return price.micros / 10n ** BigInt(priceDecimals - asset.decimals);
}

/** As above; a unit that the asset cannot express is asked of the payer. */
export function priceToAtomicRoundingUp(price: Price, asset: Asset): bigint {
  if (asset.decimals >= priceDecimals) return priceToAtomicRoundingDown(price, asset);
  const divisor = 10n ** BigInt(priceDecimals - asset.decimals);
  return (price.micros + divisor - 1n) / divisor;
}

/** `USD 0.001` straight to atomic units, or a typed error; fails where rounding would be needed. */
export function parsePriceExactly(text: string, asset: Asset): Amount {
  const price = parsePrice(text);
  const atomic = priceToAtomicRoundingDown(price, asset);
  if (atomic !== priceToAtomicRoundingUp(price, asset)) {
    throw fail('money_price_invalid', `${asset.symbol} cannot express this price exactly`);
  }
  return { asset, atomic };
}

/** The part of an amount that a rate in hundredths of a percent takes, e.g. a platform fee. */
export function basisPointsRoundingDown(atomic: bigint, basisPoints: bigint): bigint {
  return (atomic * basisPoints) / 10_000n;
}

/** A share of something paid for together, e.g. the gas of one charge in a batch. */
export function shareRoundingUp(atomic: bigint, count: bigint): bigint {
  return (atomic + count - 1n) / count;
}

/**
 * What some of those who share a cost bear, e.g. the gas of an account's charges in a batch. What
 * rounding leaves stays with the others: the parts of all never exceed the whole.
 */
export function shareOfRoundingDown(atomic: bigint, part: bigint, count: bigint): bigint {
  return (atomic * part) / count;
}

/** For people: `0.001 USDC`, exact, at least two decimals where the asset has them. */
export function format({ asset, atomic }: Amount): string {
  return `${decimalText(atomic, asset.decimals)} ${asset.symbol}`;
}

/** The same without its symbol: `0.001`. */
export function decimalText(atomic: bigint, decimals: number): string {
  const sign = atomic < 0n ? '-' : '';
  const digits = (atomic < 0n ? -atomic : atomic).toString().padStart(decimals + 1, '0');
  if (decimals === 0) return `${sign}${digits}`;
  const whole = digits.slice(0, -decimals);
  return `${sign}${whole}.${trimFraction(digits.slice(-decimals))}`;
}

export function add(a: Amount, b: Amount): Amount {
  return { asset: sameAsset(a, b), atomic: a.atomic + b.atomic };
}

/** Fails below zero: where a debt is meant, it has an account of its own. */
export function subtract(a: Amount, b: Amount): Amount {
  const asset = sameAsset(a, b);
  if (b.atomic > a.atomic) throw fail('money_negative', 'an amount would become negative');
  return { asset, atomic: a.atomic - b.atomic };
}

export function compare(a: Amount, b: Amount): -1 | 0 | 1 {
  sameAsset(a, b);
  if (a.atomic === b.atomic) return 0;
  return a.atomic < b.atomic ? -1 : 1;
}

function sameAsset(a: Amount, b: Amount): Asset {
  if (a.asset.id !== b.asset.id) throw fail('money_asset_mismatch', 'two different assets');
  return a.asset;
}

function trimFraction(fraction: string): string {
  return fraction.replace(/0+$/, '').padEnd(Math.min(2, fraction.length), '0');
}
