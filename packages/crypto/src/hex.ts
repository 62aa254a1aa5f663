import { Buffer } from 'node:buffer';
import { fail } from '@paycrawl/errors/paycrawl-error';

export type Hex = `0x${string}`;

const hexGrammar = /^0x(?:[0-9a-fA-F]{2})*$/;

export function isHex(text: unknown): text is Hex {
  return typeof text === 'string' && hexGrammar.test(text);
}

/** `0x` and exactly this many bytes. */
export function isHexOf(text: unknown, byteCount: number): text is Hex {
  return typeof text === 'string' && text.length === 2 + 2 * byteCount && hexGrammar.test(text);
}

export function bytesFromHex(text: string): Uint8Array {
  const bytes = Buffer.from(text.slice(2), 'hex');
  // Buffer stops silently at the first bad digit: then there are fewer bytes than digits for them.
  if (!text.startsWith('0x') || bytes.length * 2 !== text.length - 2) {
    throw fail('crypto_hex_invalid', 'not a hex string of whole bytes');
  }
  return bytes;
}

export function hexFromBytes(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}
