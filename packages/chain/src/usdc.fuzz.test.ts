import { hasCode } from '@paycrawl/errors/paycrawl-error';
import fc from 'fast-check';
import {
  type Address,
  encodeFunctionData,
  encodeFunctionResult,
  type Hex,
  padHex,
  serializeErc6492Signature,
  toHex,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { expect, test } from 'vitest';
import type { Log } from './chain.js';
import {
  decodeAggregate3,
  decodeAggregate3Result,
  encodeAggregate3,
  multicall3Abi,
} from './multicall3.js';
import { bumpFees, readTransaction, signTransaction, transactionHash } from './transaction.js';
import {
  authorizationCanceledTopic,
  authorizationEnds,
  authorizationUsedTopic,
  decodeTransferWithAuthorization,
  encodeAuthorizationState,
  encodeBalanceOf,
  encodeSettlementCalls,
  encodeTransferWithAuthorization,
  transferTopic,
  usdcAbi,
} from './usdc.js';

const asset: Address = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const hexOf = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => toHex(value));
const address = hexOf(20) as fc.Arbitrary<Address>;
const uint = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
const authorization = fc.record({
  from: address,
  to: address,
  value: uint,
  validAfter: uint,
  validBefore: uint,
  nonce: hexOf(32),
});
const plainSignature = fc
  .tuple(hexOf(64), fc.constantFrom('1b', '1c'))
  .map(([rs, v]) => `${rs}${v}` as Hex);
/** Anything but 65 bytes, of which the last may be normalised. */
const anySignature = fc
  .uint8Array({ maxLength: 300 })
  .filter((value) => value.length !== 65)
  .map((value) => toHex(value));

function lower<T extends object>(value: T): T {
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      typeof field === 'string' ? field.toLowerCase() : field,
    ]),
  ) as T;
}

test('property: transfer calls read back as written, by either overload', () => {
  fc.assert(
    fc.property(
      authorization,
      fc.oneof(plainSignature, anySignature),
      fc.boolean(),
      (fields, signature, payerHasCode) => {
        const data = encodeTransferWithAuthorization({
          authorization: fields,
          signature,
          payerHasCode,
        });
        const decoded = decodeTransferWithAuthorization(data);
        if (decoded === undefined) return expect.unreachable();
        expect(lower(decoded.authorization)).toEqual(fields);
        expect(decoded.signature).toBe(signature);
      },
    ),
  );
});

test('property: batches read back as written', () => {
  const call = fc.record({ target: address, data: anySignature });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 20 }), (calls) => {
      expect(decodeAggregate3(encodeAggregate3(calls)).map(lower)).toEqual(calls);
    }),
  );
});

test('property: questions are encoded as the ABI says', () => {
  const abi = usdcAbi;
  fc.assert(
    fc.property(address, hexOf(32), (account, nonce) => {
      const args = [account, nonce] as const;
      const state = encodeFunctionData({ abi, functionName: 'authorizationState', args });
      expect(encodeAuthorizationState(account, nonce)).toBe(state);
      const balance = encodeFunctionData({ abi, functionName: 'balanceOf', args: [account] });
      expect(encodeBalanceOf(account)).toBe(balance);
    }),
  );
});

const results = fc.array(fc.record({ success: fc.boolean(), data: anySignature }), {
  maxLength: 20,
});

function encodedResults(all: readonly { success: boolean; data: Hex }[]): Hex {
  const result = all.map(({ success, data }) => ({ success, returnData: data }));
  return encodeFunctionResult({ abi: multicall3Abi, functionName: 'aggregate3', result });
}

test('property: answers of a batch of questions are read as the ABI says', () => {
  fc.assert(
    fc.property(results, (all) => {
      expect(decodeAggregate3Result(encodedResults(all))).toEqual(all);
    }),
  );
});

test('error: chain_unavailable, for answers that are cut or changed, if not read as something', () => {
  const change = fc.record({ at: fc.nat(), digit: fc.constantFrom('0', '1', '7', 'f') });
  fc.assert(
    fc.property(results, fc.array(change, { maxLength: 4 }), fc.nat(), (all, changes, cut) => {
      const whole = encodedResults(all).slice(2);
      const digits = whole.slice(0, whole.length - (cut % whole.length)).split('');
      for (const { at, digit } of changes) digits[at % digits.length] = digit;
      try {
        expect(decodeAggregate3Result(`0x${digits.join('')}`)).toBeInstanceOf(Array);
      } catch (error) {
        expect(hasCode(error, 'chain_unavailable')).toBe(true);
      }
    }),
  );
});

test('property: a wrapped signature deploys first only while there is no code', () => {
  fc.assert(
    fc.property(
      authorization,
      address,
      anySignature,
      plainSignature,
      (fields, factory, data, inner) => {
        const signature = serializeErc6492Signature({ address: factory, data, signature: inner });
        const signed = { authorization: fields, signature, payerHasCode: false };
        const calls = encodeSettlementCalls(asset, signed);
        expect(calls.map(({ target }) => target.toLowerCase())).toEqual([factory, asset]);
        expect(calls[0]?.data).toBe(data);
        const later = encodeSettlementCalls(asset, { ...signed, payerHasCode: true });
        expect(later).toEqual([calls[1]]);
        expect(decodeTransferWithAuthorization(later[0]?.data ?? '0x')?.signature).toBe(inner);
      },
    ),
  );
});

test('property: raw transactions read back as signed, and signing is deterministic', async () => {
  const privateKey = generatePrivateKey();
  const fee = fc.bigInt({ min: 1n, max: 2n ** 100n });
  const draft = fc.record({
    chainId: fc.integer({ min: 1, max: 2 ** 31 }),
    nonce: fc.nat(),
    to: address,
    data: anySignature,
    gasLimit: fc.bigInt({ min: 1n, max: 2n ** 60n }),
    maxFeePerGasWei: fee.map((value) => value * 2n),
    tipPerGasWei: fc.constant(1n),
  });
  await fc.assert(
    fc.asyncProperty(draft, async (fields) => {
      const signed = await signTransaction(fields, privateKey);
      expect(await signTransaction(fields, privateKey)).toEqual(signed);
      expect(signed.hash).toBe(transactionHash(signed.raw));
      expect(readTransaction(signed.raw)).toEqual(fields);
    }),
    { numRuns: 30 },
  );
});

test('property: raw transactions are the bytes that any wallet would sign', async () => {
  const privateKey = generatePrivateKey();
  const wallet = privateKeyToAccount(privateKey);
  const draft = fc.record({
    chainId: fc.integer({ min: 1, max: 2 ** 31 }),
    nonce: fc.oneof(fc.constantFrom(0, 1, 127, 128, 255, 256), fc.nat()),
    to: address,
    // Around every length at which the length itself is written otherwise.
    data: fc
      .constantFrom(0, 1, 2, 54, 55, 56, 57, 255, 256, 65_534, 65_536)
      .chain((size) => fc.uint8Array({ minLength: size, maxLength: size }))
      .map((value) => toHex(value)),
    gasLimit: fc.bigInt({ min: 0n, max: 2n ** 60n }),
    maxFeePerGasWei: fc.bigInt({ min: 0n, max: 2n ** 100n }),
  });
  await fc.assert(
    fc.asyncProperty(draft, async ({ gasLimit, maxFeePerGasWei, ...rest }) => {
      const fees = { maxFeePerGasWei, tipPerGasWei: maxFeePerGasWei / 2n };
      const ours = await signTransaction({ ...rest, gasLimit, ...fees }, privateKey);
      const theirs = await wallet.signTransaction({
        ...rest,
        gas: gasLimit,
        maxFeePerGas: fees.maxFeePerGasWei,
        maxPriorityFeePerGas: fees.tipPerGasWei,
      });
      expect(ours.raw).toBe(theirs);
    }),
    { numRuns: 60 },
  );
});

test('property: a bump is enough for every node that asks for a tenth more', () => {
  const fees = fc.record({
    maxFeePerGasWei: fc.bigInt({ min: 0n }),
    tipPerGasWei: fc.bigInt({ min: 0n }),
  });
  fc.assert(
    fc.property(fees, fees, (before, market) => {
      const after = bumpFees(before, market);
      expect(after.maxFeePerGasWei * 10n >= before.maxFeePerGasWei * 11n).toBe(true);
      expect(after.tipPerGasWei * 10n >= before.tipPerGasWei * 11n).toBe(true);
      expect(after.maxFeePerGasWei >= market.maxFeePerGasWei).toBe(true);
    }),
  );
});

const log = fc.record({
  address: fc.constantFrom<Address>(asset, '0x0000000000000000000000000000000000000bad'),
  topics: fc
    .tuple(
      fc.constantFrom(authorizationUsedTopic, authorizationCanceledTopic, transferTopic),
      address.map((value) => padHex(value, { size: 32 })),
      address.map((value) => padHex(value, { size: 32 })),
    )
    .map((topics) => [...topics]),
  data: uint.map((value) => toHex(value, { size: 32 })),
});

test('property: no transfer is claimed twice, none from another contract, none by a cancellation', () => {
  const context = { transactionHash: '0x01', blockNumber: 1, blockHash: '0x02' } as const;
  fc.assert(
    fc.property(fc.array(log, { maxLength: 30 }), (entries) => {
      const logs: Log[] = entries.map((entry, logIndex) => ({ ...entry, logIndex }));
      const ends = authorizationEnds(asset, [...logs].reverse(), context);
      const claimed = ends.flatMap(({ transfer }) => (transfer ? [transfer.logIndex] : []));
      expect(new Set(claimed).size).toBe(claimed.length);
      for (const index of claimed) expect(logs[index]?.address).toBe(asset);
      for (const end of ends) {
        if (end.kind === 'cancelled') expect(end.transfer).toBeUndefined();
        else if (end.transfer) expect(end.transfer.logIndex).toBeGreaterThan(end.logIndex);
      }
    }),
  );
});

test('error: hostile logs are skipped, not thrown', () => {
  const context = { transactionHash: '0x01', blockNumber: 1, blockHash: '0x02' } as const;
  const bare: Log = { address: asset, topics: [authorizationUsedTopic], data: '0x', logIndex: 0 };
  expect(authorizationEnds(asset, [bare, { ...bare, topics: [] }], context)).toEqual([]);
  const word = padHex('0x01', { size: 32 });
  const used = { ...bare, topics: [authorizationUsedTopic, word, word] };
  const empty = { ...bare, topics: [transferTopic, word, word], logIndex: 1 };
  expect(authorizationEnds(asset, [used, empty], context)[0]?.transfer).toBeUndefined();
});

test('behavior: v is normalised for a plain account and kept for a contract', () => {
  const fields = {
    from: asset,
    to: asset,
    value: 1n,
    validAfter: 0n,
    validBefore: 1n,
    nonce: padHex('0x01', { size: 32 }),
  };
  const rs = 'ab'.repeat(64);
  const written = (signature: Hex, payerHasCode: boolean) =>
    decodeTransferWithAuthorization(
      encodeTransferWithAuthorization({ authorization: fields, signature, payerHasCode }),
    )?.signature;
  expect(written(`0x${rs}00`, false)).toBe(`0x${rs}1b`);
  expect(written(`0x${rs}01`, false)).toBe(`0x${rs}1c`);
  expect(written(`0x${rs}01`, true)).toBe(`0x${rs}01`);
  expect(written(`0x${rs}05`, false)).toBe(`0x${rs}05`);
});
