/** An amount as it stands on the wire: integer atomic units in decimal, with its asset. */
export interface Money {
  readonly asset: string;
  readonly amount: string;
  readonly decimals: number;
}

/** The parts of a printed amount, so that a page may set them in different weights. */
export interface MoneyParts {
  readonly sign: '' | '\u2212';
  readonly whole: string;
  /** `.` and at least two digits, or empty for an asset without decimals. */
  readonly cents: string;
  /** The digits beyond hundredths, without trailing zeros. */
  readonly fine: string;
}

const atomicGrammar = /^(?:0|-?[1-9][0-9]*)$/;

export function isAtomicText(text: string): boolean {
  return atomicGrammar.test(text);
}

/** Exact: every digit that the amount has is in the parts; nothing is rounded. */
export function partsOf(money: Money): MoneyParts {
  const atomic = BigInt(money.amount);
  const digits = (atomic < 0n ? -atomic : atomic).toString().padStart(money.decimals + 1, '0');
  const split = digits.length - money.decimals;
  const fraction = digits.slice(split);
  const cents = fraction.slice(0, 2).padEnd(Math.min(2, money.decimals), '0');
  return {
    sign: atomic < 0n ? '\u2212' : '',
    whole: grouped(digits.slice(0, split)),
    cents: cents === '' ? '' : `.${cents}`,
    fine: fraction.slice(2).replace(/0+$/, ''),
  };
}

export function formatMoney(money: Money, symbol: string): string {
  const { sign, whole, cents, fine } = partsOf(money);
  return `${sign}${whole}${cents}${fine} ${symbol}`;
}

/** `1234567` → `1,234,567`; digits in, digits out. */
export function grouped(digits: string): string {
  return digits.replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** The amount in one asset out of a list with at most one entry for each asset. */
export function inAsset(monies: readonly Money[], asset: string): bigint {
  return monies.reduce(
    (sum, money) => (money.asset === asset ? sum + BigInt(money.amount) : sum),
    0n,
  );
}

/** 0 for none; `Math.max` would not take a bigint. */
export function largestOf(amounts: readonly bigint[]): bigint {
  let largest = 0n;
  for (const amount of amounts) {
    if (amount > largest) largest = amount;
  }
  return largest;
}

/** `part` of `whole` in thousandths, rounded down, for the width of a bar. 0 where whole is 0. */
export function permilleRoundingDown(part: bigint, whole: bigint): number {
  if (whole <= 0n || part <= 0n) return 0;
  const permille = (part * 1000n) / whole;
  // 0…1000: a width in the page, no amount any more.
  return permille > 1000n ? 1000 : Number(permille);
}
