import type { PlanInputs } from './inputs.js';

export interface ExactCost {
  readonly perCrawl: string;
  readonly percentOfPrice: bigint;
  readonly perDayMicros: bigint;
  /** Above it a crawl costs more to settle than it earns. */
  readonly breakEvenWeiPerGas: bigint;
}

const weiPerNative = 10n ** 18n;
const microsPerDollar = 1_000_000n;
/** A crawl's gas is far below a millionth of a dollar's precision: shown in billionths. */
const nanosPerMicro = 1_000n;

/** Gas as money, in whole numbers all the way; costs are rounded up, what is left is rounded down. */
export function exactCost(inputs: PlanInputs, gas: number): ExactCost {
  const nativeMicros = BigInt(inputs.dollarsPerNative) * microsPerDollar;
  const wei = BigInt(gas) * BigInt(inputs.weiPerGas);
  const nanos = roundedUp(wei * nativeMicros * nanosPerMicro, weiPerNative);
  const price = BigInt(inputs.priceMicros);
  const perDay = roundedUp(wei * BigInt(inputs.crawlsPerDay) * nativeMicros, weiPerNative);
  return {
    perCrawl: `$0.${nanos.toString().padStart(9, '0')}`,
    percentOfPrice: roundedUp(100n * nanos, price * nanosPerMicro),
    perDayMicros: perDay,
    breakEvenWeiPerGas: (price * weiPerNative) / (BigInt(gas) * nativeMicros),
  };
}

function roundedUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}
