import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Hex } from 'viem';

export function asHex(value: unknown): Hex {
  if (typeof value === 'string' && /^0x[0-9a-f]*$/i.test(value)) return value.toLowerCase() as Hex;
  throw unreadable(value);
}

export function asBigint(value: unknown): bigint {
  const hex = asHex(value);
  if (hex === '0x') throw unreadable(value);
  return BigInt(hex);
}

/** Block numbers, times and nonces: never amounts. */
export function asCount(value: unknown): number {
  const count = asBigint(value);
  if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw unreadable(value);
  return Number(count);
}

export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw unreadable(value);
}

export function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw unreadable(value);
}

/** An answer that cannot be read is no answer: the caller retries, and decides nothing. */
export function unreadable(value: unknown) {
  return fail('chain_unavailable', 'The chain node gave an unreadable answer.', {
    context: { value: String(JSON.stringify(value)).slice(0, 200) },
  });
}
