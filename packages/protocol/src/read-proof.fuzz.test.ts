import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Token } from './exact-evm.js';
import { depthOf } from './header-json.js';
import type { ReadContext } from './proof.js';
import { readProof } from './read-proof.js';

const token: Token = {
  network: 'eip155:84532',
  chainId: 84532n,
  asset: `0x${'03'.repeat(20)}`,
  name: 'USDC',
  version: '2',
};
const payTo = `0x${'ab'.repeat(20)}`;
const context: ReadContext = {
  method: 'GET',
  url: 'http://site.example/',
  nowMs: 1_800_000_000_000,
  skewMs: 5_000,
  marginS: 60,
  keys: [{ id: 'k1', secret: Buffer.alloc(32, 7) }],
  tokenOf: () => token,
  current: { network: token.network, asset: token.asset, payTo, amount: 1000n },
};

function answersOf(header: string): string[] {
  return [
    readProof({ paymentSignature: header, xPayment: undefined }, context).kind,
    readProof({ paymentSignature: undefined, xPayment: header }, context).kind,
  ];
}

const encode = (text: string) => Buffer.from(text).toString('base64');

test('property: any header is refused with a code and never a throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
      expect(answersOf(text)).toEqual(['refused', 'refused']);
      expect(answersOf(encode(text))).toEqual(['refused', 'refused']);
    }),
  );
});

test('property: any JSON in the places of a payment is refused with a code', () => {
  const anything = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(anything, anything, anything, (accepted, payload, extensions) => {
      const v2 = { x402Version: 2, accepted, payload, extensions };
      const v1 = { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload };
      expect(answersOf(encode(JSON.stringify(v2)))).toEqual(['refused', 'refused']);
      expect(answersOf(encode(JSON.stringify(v1)))).toEqual(['refused', 'refused']);
    }),
  );
});

test('property: v1 with any authorization is a proof or a refusal', () => {
  const hex = (length: number) =>
    fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((bytes) => `0x${Buffer.from(bytes).toString('hex')}`);
  const number = fc.bigInt({ min: 0n, max: 10n ** 78n - 1n }).map(String);
  const authorization = fc.record({
    from: hex(20),
    to: fc.constant(payTo),
    value: fc.constantFrom('1000', '1'),
    validAfter: fc.oneof(fc.constant('0'), number),
    validBefore: number,
    nonce: hex(32),
  });
  fc.assert(
    fc.property(hex(65), authorization, (signature, signed) => {
      const payload = { signature, authorization: signed };
      const v1 = { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload };
      const reading = readProof(
        { paymentSignature: undefined, xPayment: encode(JSON.stringify(v1)) },
        context,
      );
      expect(['proof', 'refused']).toContain(reading.kind);
      // Nobody signed these: at most the account itself may be asked.
      if (reading.kind === 'proof') expect(reading.proof.check.kind).toBe('needs_account');
    }),
  );
});

test('behavior: the worst header that is let in costs less than 20 ms', () => {
  const worst = [
    encode('['.repeat(12_000)),
    encode(`"${'\\"'.repeat(6_000)}`),
    encode(`{"x402Version":2,"accepted":{"scheme":"${'a'.repeat(12_000)}"}}`),
    'A'.repeat(16_384),
  ];
  const startedAt = process.hrtime.bigint();
  for (const header of worst) expect(answersOf(header)).toEqual(['refused', 'refused']);
  expect(process.hrtime.bigint() - startedAt).toBeLessThan(20_000_000n * BigInt(worst.length));
});

test('property: depth counts brackets outside of strings only', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const depth = (inner: unknown): number =>
        typeof inner === 'object' && inner !== null
          ? 1 + Math.max(0, ...Object.values(inner).map(depth))
          : 0;
      expect(depthOf(JSON.stringify(value))).toBe(depth(value));
    }),
  );
});
