import type { Hex } from 'viem';
import { unreadable } from './read-answer.js';

// What every batch asks and is answered is encoded and read by hand (Solidity ABI specification: heads
// of 32 bytes, dynamic parts behind them); the general codec costs ten times as much.

const wordDigits = 64;
const zeros = '0'.repeat(wordDigits);

/** uint256, address or bytes32 as one word, without `0x`. */
export function word(value: bigint | number | Hex): string {
  const digits = typeof value === 'string' ? value.slice(2) : value.toString(16);
  return digits.length === wordDigits ? digits : zeros.slice(digits.length) + digits;
}

/** `bytes`: its length, then its content filled up to whole words; without `0x`. */
export function bytesWords(value: Hex): string {
  const digits = value.slice(2);
  const rest = digits.length % wordDigits;
  return word(digits.length / 2) + digits + (rest === 0 ? '' : zeros.slice(rest));
}

/** An answer of whole words, whose hex digits were checked; places are in bytes. */
export interface Words {
  /** A length, an offset or a flag: anything larger than the answer itself is none. */
  count(at: number): number;
  /** `bytes` that begin with their length there. */
  bytes(at: number): Hex;
}

export function openWords(data: Hex): Words {
  const digits = data.slice(2);
  const count = (at: number): number => {
    const place = at * 2;
    const value = Number.parseInt(digits.slice(place, place + wordDigits), 16);
    // Also what is no number: beyond the end.
    if (!(place + wordDigits <= digits.length && value <= digits.length)) throw unreadable(data);
    return value;
  };
  return {
    count,
    bytes: (at) => {
      const start = (at + 32) * 2;
      const end = start + count(at) * 2;
      if (end > digits.length) throw unreadable(data);
      return `0x${digits.slice(start, end)}`;
    },
  };
}
