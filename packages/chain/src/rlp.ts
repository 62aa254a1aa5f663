import { Buffer } from 'node:buffer';

// Recursive length prefix (yellow paper, appendix B), as far as transactions need it. The general
// encoder takes hex apart byte by byte: milliseconds for the 50 KB of a full batch.

const shortMax = 55;

export function rlpBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 1 && (bytes[0] ?? 0) < 0x80) return bytes;
  return Buffer.concat([prefixOf(bytes.length, 0x80), bytes]);
}

/** Big-endian without leading zeros; zero is no bytes at all. */
export function rlpInteger(value: bigint | number): Uint8Array {
  if (BigInt(value) === 0n) return rlpBytes(Buffer.alloc(0));
  const digits = value.toString(16);
  return rlpBytes(Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex'));
}

/** Of items that are encoded already. */
export function rlpList(items: readonly Uint8Array[]): Buffer {
  const length = items.reduce((sum, item) => sum + item.length, 0);
  return Buffer.concat([prefixOf(length, 0xc0), ...items]);
}

function prefixOf(length: number, kind: 0x80 | 0xc0): Uint8Array {
  if (length <= shortMax) return Buffer.of(kind + length);
  const digits = length.toString(16);
  const size = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  return Buffer.concat([Buffer.of(kind + shortMax + size.length), size]);
}
