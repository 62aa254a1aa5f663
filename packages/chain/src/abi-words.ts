import type { Hex } from 'viem';

// The two calls that stand in every batch are encoded by hand (Solidity ABI specification: heads
// of 32 bytes, dynamic parts behind them); the general encoder costs ten times as much.

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
