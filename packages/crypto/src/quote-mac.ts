import { createHmac, timingSafeEqual } from 'node:crypto';

/** A secret that signs quotes; the id travels with the quote, so that keys can be replaced. */
export interface QuoteKey {
  readonly id: string;
  readonly secret: Uint8Array;
}

/** 16 bytes: forging one needs 2^127 guesses, and the header stays short. */
export const macBytes = 16;

export function quoteMac(key: QuoteKey, message: string): Uint8Array {
  return createHmac('sha256', key.secret).update(message, 'utf8').digest().subarray(0, macBytes);
}

/** In constant time, so that a forger learns nothing from how long a refusal takes. */
export function isQuoteMac(key: QuoteKey, message: string, mac: Uint8Array): boolean {
  return mac.length === macBytes && timingSafeEqual(mac, quoteMac(key, message));
}
