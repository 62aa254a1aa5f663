import { Buffer } from 'node:buffer';
import { createHmac, hash, timingSafeEqual } from 'node:crypto';

/** A secret that signs quotes; the id travels with the quote, so that keys can be replaced. */
export interface QuoteKey {
  readonly id: string;
  readonly secret: Uint8Array;
}

/** 16 bytes: forging one needs 2^127 guesses, and the header stays short. */
export const macBytes = 16;

/** HMAC-SHA256, its first 16 bytes. */
export function quoteMac(key: QuoteKey, message: string): Uint8Array {
  if (message.length > messageLengthMax) {
    return createHmac('sha256', key.secret).update(message, 'utf8').digest().subarray(0, macBytes);
  }
  const binary = shortMac(padsOf(key), message, 'binary');
  return Buffer.from(binary, 'binary').subarray(0, macBytes);
}

/** The same in base64url, as a quote spells it; it costs half as much as to write the bytes so. */
export function quoteMacText(key: QuoteKey, message: string): string {
  if (message.length > messageLengthMax) {
    return Buffer.from(quoteMac(key, message)).toString('base64url');
  }
  const text = shortMac(padsOf(key), message, 'base64url');
  // Two bits of the last character are the 16th byte's, the others those of a byte that is cut off.
  const code = text.charCodeAt(lastOfMac);
  return text.slice(0, lastOfMac) + (lastCharacters[code] as string);
}

/** In constant time, so that a forger learns nothing from how long a refusal takes. */
export function isQuoteMac(key: QuoteKey, message: string, mac: Uint8Array): boolean {
  return mac.length === macBytes && timingSafeEqual(mac, quoteMac(key, message));
}

/** Where the last character of 16 bytes in base64url stands. */
const lastOfMac = 21;
/** By the code of a character in base64url: the one that has its first two bits and no others. */
const lastCharacters: readonly string[] = lastCharactersOf(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
);

function lastCharactersOf(alphabet: string): string[] {
  const characters: string[] = [];
  for (const [value, character] of [...alphabet].entries()) {
    characters[character.charCodeAt(0)] = alphabet[value & 0b110000] as string;
  }
  return characters;
}

const blockBytes = 64;
const digestBytes = 32;
/** UTF-8 needs up to three bytes for a UTF-16 unit: what is no longer fits behind the inner pad. */
const messageLengthMax = 1_024;

/** What both hashes of RFC 2104 begin with, each with room for what is hashed after it. */
interface Pads {
  readonly inner: Buffer;
  readonly outer: Buffer;
}

const padsByKey = new WeakMap<QuoteKey, Pads>();

function padsOf(key: QuoteKey): Pads {
  const known = padsByKey.get(key);
  if (known !== undefined) return known;
  const { secret } = key;
  const block = secret.length > blockBytes ? hash('sha256', secret, 'buffer') : secret;
  const inner = Buffer.alloc(blockBytes + 3 * messageLengthMax);
  const outer = Buffer.alloc(blockBytes + digestBytes);
  for (let i = 0; i < blockBytes; i++) {
    const byte = block[i] ?? 0;
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  const pads = { inner, outer };
  padsByKey.set(key, pads);
  return pads;
}

/**
 * HMAC by two plain hashes over buffers that are there already: every offer and every proof needs
 * one, and making a keyed hash object costs more than hashing.
 */
function shortMac(
  { inner, outer }: Pads,
  message: string,
  spelling: 'binary' | 'base64url',
): string {
  const bytes = blockBytes + inner.write(message, blockBytes, 'utf8');
  // A binary string holds the bytes as they are; a Buffer for each digest takes twice as long.
  outer.write(hash('sha256', inner.subarray(0, bytes), 'binary'), blockBytes, 'binary');
  return hash('sha256', outer, spelling);
}
