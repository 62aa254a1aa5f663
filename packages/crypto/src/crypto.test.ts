import { Buffer } from 'node:buffer';
import { PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import { getAddress, hashTypedData, recoverTypedDataAddress, keccak256 as viemKeccak } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { expect, test } from 'vitest';
import * as Address from './address.js';
import { domainSeparator, transferAuthorizationDigest } from './eip712.js';
import { bytesFromHex, hexFromBytes, isHexOf } from './hex.js';
import { keccak256 } from './keccak.js';
import { isQuoteMac, quoteMac } from './quote-mac.js';
import { addressOfPrivateKey, recoverAddress, recoveryEngine, signDigest } from './recover.js';

const privateKey = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80' as const;
const account = privateKeyToAccount(privateKey);
const domain = {
  name: 'USDC',
  version: '2',
  chainId: 84532n,
  verifyingContract: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
} as const;
const types = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;
const message = {
  from: account.address,
  to: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  value: 1000n,
  validAfter: 0n,
  validBefore: 1795226576n,
  nonce: '0x74b1207932a5be29e8c0e87c64497d3619925af013d8c146f565752ee1d62016',
} as const;

test('behavior: Keccak-256 of the empty string and of a known text', () => {
  expect(hexFromBytes(keccak256(new Uint8Array()))).toBe(
    '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470',
  );
  expect(hexFromBytes(keccak256(Buffer.from('abc')))).toBe(viemKeccak('0x616263'));
});

test('behavior: the domain separator is the one that USDC on Base Sepolia answers', () => {
  expect(hexFromBytes(domainSeparator(domain))).toBe(
    '0x71f17a3b2ff373b803d70a5a07c046c1a2bc8e89c09ef722fcb047abe94c9818',
  );
});

test('behavior: the digest equals viem, and viem accepts what signDigest makes', async () => {
  const digest = transferAuthorizationDigest(domainSeparator(domain), message);
  const typed = { domain, types, primaryType: 'TransferWithAuthorization', message } as const;
  expect(hexFromBytes(digest)).toBe(hashTypedData(typed));
  const signature = signDigest(digest, bytesFromHex(privateKey));
  expect(hexFromBytes(signature)).toBe(await account.signTypedData(typed));
  const signer = await recoverTypedDataAddress({ ...typed, signature: hexFromBytes(signature) });
  expect(signer).toBe(account.address);
  expect(recoverAddress(digest, signature)).toEqual({
    outcome: 'recovered',
    address: account.address.toLowerCase(),
  });
});

test('behavior: signatures are verified natively here', () => {
  expect(recoveryEngine()).toBe('native');
  expect(addressOfPrivateKey(bytesFromHex(privateKey))).toBe(account.address.toLowerCase());
});

test('error: a malleable, malformed or impossible signature is refused by name', () => {
  const digest = transferAuthorizationDigest(domainSeparator(domain), message);
  const good = signDigest(digest, bytesFromHex(privateKey));
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const s = BigInt(hexFromBytes(good.subarray(32, 64)));
  const high = Uint8Array.from(good);
  high.set(Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex'), 32);
  high[64] = good[64] === 27 ? 28 : 27;
  const reasonOf = (signature: Uint8Array) => {
    const recovery = recoverAddress(digest, signature);
    return recovery.outcome === 'refused' ? recovery.reason : recovery.outcome;
  };
  expect(reasonOf(high)).toBe('high_s');
  expect(reasonOf(good.subarray(0, 64))).toBe('malformed');
  expect(reasonOf(Uint8Array.from([...good.subarray(0, 64), 29]))).toBe('malformed');
  expect(reasonOf(new Uint8Array(65))).toBe('no_such_point');
  expect(reasonOf(Uint8Array.from([...good.subarray(0, 64), (good[64] ?? 0) - 27]))).toBe(
    'recovered',
  );
});

test('behavior: addresses are lower case inside and checksummed outside', () => {
  const lower = account.address.toLowerCase();
  expect(Address.addressOf(account.address)).toBe(lower);
  expect(Address.checksumAddressOf(lower)).toBe(getAddress(lower));
  expect(Address.sameAddress(lower, account.address)).toBe(true);
  expect(Address.isAddress('0x12')).toBe(false);
  expect(isHexOf('0xAbCd', 2)).toBe(true);
});

test('error: crypto_address_invalid, crypto_hex_invalid', () => {
  expect(() => Address.addressOf('0x12')).toThrow(PaycrawlError);
  expect(() => bytesFromHex('0xzz')).toThrow(PaycrawlError);
  expect(() => bytesFromHex('0x123')).toThrow(PaycrawlError);
});

test('behavior: a quote MAC holds for its key and message only', () => {
  const key = { id: 'a', secret: Buffer.alloc(32, 1) };
  const mac = quoteMac(key, 'GET\n/page');
  expect(isQuoteMac(key, 'GET\n/page', mac)).toBe(true);
  expect(isQuoteMac(key, 'GET\n/other', mac)).toBe(false);
  expect(isQuoteMac({ ...key, secret: Buffer.alloc(32, 2) }, 'GET\n/page', mac)).toBe(false);
  expect(isQuoteMac(key, 'GET\n/page', mac.subarray(1))).toBe(false);
});
