import { Buffer } from 'node:buffer';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { hexFromBytes } from './hex.js';
import { keccak256 } from './keccak.js';

/**
 * Addresses are lower case everywhere inside: as keys, in events, in comparisons. The checksummed
 * form (ERC-55) is made at the edge, where people and other programs read it.
 */
export type Address = `0x${string}`;

const addressGrammar = /^0x[0-9a-fA-F]{40}$/;

export function isAddress(text: unknown): text is Address {
  return typeof text === 'string' && text.length === 42 && addressGrammar.test(text);
}

export function addressOf(text: string): Address {
  if (!isAddress(text)) throw fail('crypto_address_invalid', 'not a 20-byte address');
  return text.toLowerCase() as Address;
}

export function sameAddress(a: string, b: string): boolean {
  return a === b || a.toLowerCase() === b.toLowerCase();
}

/** The last 20 bytes of the Keccak-256 of the point, without the SEC1 prefix 0x04. */
export function addressOfPublicKey(uncompressed65: Uint8Array): Address {
  return hexFromBytes(keccak256(uncompressed65.subarray(1)).subarray(12));
}

const checksumsKeptMax = 10_000;
const checksums = new Map<string, Address>();

/**
 * ERC-55: a letter is upper case when the same nibble of the hash of the address is ≥ 8.
 * Remembered, because every receipt of a payer names it.
 */
export function checksumAddressOf(text: string): Address {
  const known = checksums.get(text);
  if (known !== undefined) return known;
  if (checksums.size >= checksumsKeptMax) checksums.clear();
  const checksummed = checksummedAddress(text);
  checksums.set(text, checksummed);
  return checksummed;
}

function checksummedAddress(text: string): Address {
  const lower = addressOf(text).slice(2);
  const hash = keccak256(Buffer.from(lower, 'latin1'));
  let checksummed = '0x';
  for (let i = 0; i < 40; i++) {
    const byte = hash[i >> 1] ?? 0;
    const nibble = i % 2 === 0 ? byte >> 4 : byte & 15;
    const char = lower.charAt(i);
    checksummed += nibble >= 8 ? char.toUpperCase() : char;
  }
  return checksummed as Address;
}
