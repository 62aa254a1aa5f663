import { Buffer } from 'node:buffer';
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { hashTypedData, keccak256 as viemKeccak } from 'viem';
import { expect, test } from 'vitest';
import { checksumAddressOf } from './address.js';
import { domainSeparator, transferAuthorizationDigest } from './eip712.js';
import { bytesFromHex, type Hex, hexFromBytes } from './hex.js';
import { keccak256 } from './keccak.js';
import { macBytes, quoteMac, quoteMacText } from './quote-mac.js';
import { addressOfPrivateKey, recoverAddress, recoverAddressWith, signDigest } from './recover.js';
import { loadNative, loadWasm } from './secp256k1-engine.js';

const uint256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const hexOf = (length: number) => bytesOf(length).map((bytes): Hex => hexFromBytes(bytes));
const field = (name: string, type: string) => ({ name, type });

test('property: Keccak-256 equals viem on any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      expect(hexFromBytes(keccak256(bytes))).toBe(viemKeccak(bytes));
    }),
  );
});

test('property: the digest equals viem for any domain and authorization', () => {
  const types = {
    TransferWithAuthorization: [
      field('from', 'address'),
      field('to', 'address'),
      field('value', 'uint256'),
      field('validAfter', 'uint256'),
      field('validBefore', 'uint256'),
      field('nonce', 'bytes32'),
    ],
  };
  const domains = fc.record({
    // viem leaves an empty version out of the domain type: not what a token does.
    name: fc.string({ unit: 'binary', maxLength: 20 }).filter((name) => name.isWellFormed()),
    version: fc.string({ minLength: 1, maxLength: 5 }),
    chainId: fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }),
    verifyingContract: hexOf(20),
  });
  const authorizations = fc.record({
    from: hexOf(20),
    to: hexOf(20),
    value: uint256,
    validAfter: uint256,
    validBefore: fc.bigInt({ min: 0n, max: 2n ** 65n }),
    nonce: hexOf(32),
  });
  fc.assert(
    fc.property(domains, authorizations, (domain, message) => {
      const digest = transferAuthorizationDigest(domainSeparator(domain), message);
      expect(hexFromBytes(digest)).toBe(
        hashTypedData({ domain, types, primaryType: 'TransferWithAuthorization', message }),
      );
    }),
  );
});

test('property: what a key signs recovers to its address, by both engines', () => {
  const keys = fc.bigInt({ min: 1n, max: 2n ** 255n }).map((key) => {
    return Buffer.from(key.toString(16).padStart(64, '0'), 'hex');
  });
  const wasm = loadWasm();
  fc.assert(
    fc.property(keys, bytesOf(32), (key, digest) => {
      const signature = signDigest(digest, key);
      const expected = { outcome: 'recovered', address: addressOfPrivateKey(key) };
      expect(recoverAddress(digest, signature)).toEqual(expected);
      expect(recoverAddressWith(wasm, digest, signature)).toEqual(expected);
    }),
  );
});

test('property: hostile bytes get the same answer from both engines and never a throw', () => {
  const [native, wasm] = [loadNative(), loadWasm()];
  const signatures = fc
    .tuple(bytesOf(32), fc.uint8Array({ maxLength: 70 }), fc.constantFrom(0, 1, 27, 28, 29, 255))
    .map(([r, rest, v]) => Uint8Array.from([...r, ...rest.subarray(0, 32), v]));
  fc.assert(
    fc.property(bytesOf(32), signatures, (digest, signature) => {
      const answer = recoverAddressWith(native, digest, signature);
      expect(recoverAddressWith(wasm, digest, signature)).toEqual(answer);
    }),
    { numRuns: 300 },
  );
});

test('property: the MAC of a quote is HMAC-SHA256, whatever the key and the message', () => {
  const messages = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 2_000 }),
    // Lone surrogates included, around the length where the way of making it changes.
    fc.string({ unit: fc.constantFrom('a', '\u00e9', '\u20ac', '\ud83d'), minLength: 900 }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), messages, (secret, message) => {
      const mac = createHmac('sha256', secret).update(message, 'utf8').digest();
      const key = { id: 'k', secret };
      const whole = mac.subarray(0, macBytes);
      expect(hexFromBytes(quoteMac(key, message))).toBe(hexFromBytes(whole));
      expect(quoteMacText(key, message)).toBe(whole.toString('base64url'));
    }),
  );
});

test('property: hex and checksum are lossless', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), bytesOf(20), (bytes, address) => {
      expect(Uint8Array.from(bytesFromHex(hexFromBytes(bytes)))).toEqual(bytes);
      const lower = hexFromBytes(address);
      expect(checksumAddressOf(lower).toLowerCase()).toBe(lower);
      expect(checksumAddressOf(checksumAddressOf(lower))).toBe(checksumAddressOf(lower));
    }),
  );
});
