import { Buffer } from 'node:buffer';
import { domainSeparator, transferAuthorizationDigest } from '@paycrawl/crypto/eip712';
import { bytesFromHex, hexFromBytes } from '@paycrawl/crypto/hex';
import { addressOfPrivateKey, signDigest } from '@paycrawl/crypto/recover';
import { describe, expect, test } from 'vitest';
import type { Token } from './exact-evm.js';
import { headerBytesMax } from './header-json.js';
import type { ReadContext } from './proof.js';
import { writeQuote } from './quote.js';
import { readProof } from './read-proof.js';

const privateKey = bytesFromHex(`0x${'11'.repeat(32)}`);
const payer = addressOfPrivateKey(privateKey);
const payTo = `0x${'ab'.repeat(20)}`;
const token: Token = {
  network: 'eip155:84532',
  chainId: 84532n,
  asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  name: 'USDC',
  version: '2',
};
const key = { id: 'k1', secret: Buffer.alloc(32, 7) };
const nowS = 1_800_000_000;
const context: ReadContext = {
  method: 'GET',
  url: 'http://site.example/page',
  nowMs: nowS * 1000,
  skewMs: 5_000,
  marginS: 60,
  keys: [{ id: 'k2', secret: Buffer.alloc(32, 8) }, key],
  tokenOf: (network, asset) =>
    network === token.network && asset === token.asset ? token : undefined,
  current: { network: token.network, asset: token.asset, payTo, amount: 1000n },
};
const quote = { challengeId: 'ch1', ruleId: 'articles', ruleVersion: 3, expiresAtS: nowS + 300 };

function challengeFor(over: { url?: string; amount?: string; payTo?: string } = {}): string {
  const { network, asset } = token;
  const terms = { method: 'GET', url: context.url, network, asset, payTo, amount: '1000', ...over };
  return writeQuote(key, terms, quote);
}

function payloadOf(over: Record<string, string> = {}, signAs: Record<string, string> = over) {
  const fields = {
    from: payer as string,
    to: payTo,
    value: '1000',
    validAfter: '0',
    validBefore: String(nowS + 300),
    nonce: `0x${'cd'.repeat(32)}`,
  };
  const signed = { ...fields, ...signAs };
  const digest = transferAuthorizationDigest(
    domainSeparator({ ...token, verifyingContract: token.asset }),
    {
      ...signed,
      value: BigInt(signed.value),
      validAfter: BigInt(signed.validAfter),
      validBefore: BigInt(signed.validBefore),
    },
  );
  const signature = signDigest(digest, privateKey);
  return { signature: hexFromBytes(signature) as string, authorization: { ...fields, ...over } };
}

const acceptedOf = (over: Record<string, unknown> = {}, challenge = challengeFor()) => ({
  scheme: 'exact',
  network: token.network,
  amount: '1000',
  asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  payTo,
  maxTimeoutSeconds: 300,
  extra: { name: 'USDC', version: '2', challenge },
  ...over,
});

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');

function readV2(document: unknown, over: Partial<ReadContext> = {}) {
  const paymentSignature = typeof document === 'string' ? document : encode(document);
  return readProof({ paymentSignature, xPayment: undefined }, { ...context, ...over });
}

function readV1(document: unknown) {
  const xPayment = typeof document === 'string' ? document : encode(document);
  return readProof({ paymentSignature: undefined, xPayment }, context);
}

const v2 = (over: Record<string, unknown> = {}) => ({
  x402Version: 2,
  accepted: acceptedOf(),
  payload: payloadOf(),
  ...over,
});
const v1 = (over: Record<string, unknown> = {}) => ({
  x402Version: 1,
  scheme: 'exact',
  network: 'base-sepolia',
  payload: payloadOf(),
  ...over,
});
const codeOf = (reading: ReturnType<typeof readProof>) =>
  reading.kind === 'refused' ? `${reading.status} ${reading.code}` : reading.kind;

describe('accepted', () => {
  test('behavior: no payment header is no proof', () => {
    expect(readProof({ paymentSignature: undefined, xPayment: undefined }, context)).toEqual({
      kind: 'none',
    });
  });

  test('behavior: a good v2 proof carries its quote and needs no account', () => {
    const reading = readV2(v2());
    expect(reading.kind === 'proof' && reading.proof).toMatchObject({
      dialect: 'x402-v2-exact',
      payer,
      payTo,
      amount: 1000n,
      quote,
      check: { kind: 'recovered' },
    });
  });

  test('behavior: a good v1 proof has no quote', () => {
    const reading = readV1(v1());
    expect(reading.kind === 'proof' && reading.proof).toMatchObject({
      dialect: 'x402-v1-exact',
      network: 'eip155:84532',
      check: { kind: 'recovered' },
    });
    expect(reading.kind === 'proof' && 'quote' in reading.proof).toBe(false);
  });

  test('behavior: an unexpired quote fixes price and payee after a rule change', () => {
    const current = { ...context.current, amount: 9n, payTo: `0x${'99'.repeat(20)}` };
    expect(codeOf(readV2(v2(), { current }))).toBe('proof');
  });

  test('behavior: a quote lives for its time plus the skew and not a moment longer', () => {
    const accepted = acceptedOf();
    const payload = payloadOf({ validBefore: String(nowS + 3000) });
    const at = (nowMs: number) => codeOf(readV2(v2({ accepted, payload }), { nowMs }));
    expect(at(quote.expiresAtS * 1000 + 5_000)).toBe('proof');
    expect(at(quote.expiresAtS * 1000 + 5_001)).toBe('402 proof_quote_expired');
  });

  test('behavior: v of 0 and 1 becomes 27 and 28, so one proof has one spelling', () => {
    const payload = payloadOf();
    const bytes = bytesFromHex(payload.signature);
    bytes[64] = (bytes[64] ?? 0) - 27;
    const reading = readV2(v2({ payload: { ...payload, signature: hexFromBytes(bytes) } }));
    expect(reading.kind === 'proof' && reading.proof.signature).toBe(payload.signature);
  });

  test('behavior: a signature that is not a key’s is for the account to judge', () => {
    const foreign = { ...payloadOf(), signature: `0x${'12'.repeat(80)}` };
    const reading = readV2(v2({ payload: foreign }));
    expect(reading.kind === 'proof' && reading.proof.check.kind).toBe('needs_account');
    const wrongKey = readV2(v2({ payload: payloadOf({ from: `0x${'77'.repeat(20)}` }) }));
    expect(wrongKey.kind === 'proof' && wrongKey.proof.check.kind).toBe('needs_account');
  });

  test('behavior: a payment identifier comes with a hash of the payload', () => {
    const named = (id: string) => ({
      'payment-identifier': { info: { required: false, id }, schema: {} },
    });
    const first = readV2(v2({ extensions: named('pay_0123456789abcdef') }));
    const same = readV2(v2({ extensions: named('pay_0123456789abcdef') }));
    const other = readV2(
      v2({
        extensions: named('pay_0123456789abcdef'),
        payload: payloadOf({ nonce: `0x${'01'.repeat(32)}` }),
      }),
    );
    const hashOf = (reading: typeof first) =>
      reading.kind === 'proof' ? reading.proof.payloadHash : reading.kind;
    expect(first).toMatchObject({ proof: { paymentId: 'pay_0123456789abcdef' } });
    expect(hashOf(same)).toBe(hashOf(first));
    expect(hashOf(other)).not.toBe(hashOf(first));
  });
});

describe('refused', () => {
  const pageB = 'http://site.example/page-b';
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  function highS() {
    const payload = payloadOf();
    const bytes = bytesFromHex(payload.signature);
    const s = order - BigInt(hexFromBytes(bytes.subarray(32, 64)));
    bytes.set(Buffer.from(s.toString(16).padStart(64, '0'), 'hex'), 32);
    bytes[64] = bytes[64] === 27 ? 28 : 27;
    return { ...payload, signature: hexFromBytes(bytes) };
  }
  const altered = challengeFor().replace('.articles.', '.cheaper.');
  const identified = (info: unknown) => ({ extensions: { 'payment-identifier': { info } } });
  const deep = `{"x402Version":2,"a":${'['.repeat(20)}${']'.repeat(20)}}`;

  test.each([
    ['not base64', 'a_b-', '400 proof_not_base64'],
    ['empty', '', '400 proof_not_base64'],
    ['not JSON', encode('x').slice(0, 3), '400 proof_not_json'],
    ['a JSON string', encode('text'), '400 proof_shape_invalid'],
    ['too large', 'A'.repeat(headerBytesMax + 1), '400 proof_header_too_large'],
    ['sent twice', `${encode(v2())}, ${encode(v2())}`, '400 proof_duplicate_header'],
    ['too deep', Buffer.from(deep).toString('base64'), '400 proof_too_deep'],
    ['no version', { ...v2(), x402Version: undefined }, '400 proof_version_unsupported'],
    ['version 1 in the header of 2', v1(), '400 proof_version_unsupported'],
    ['no accepted', { ...v2(), accepted: undefined }, '400 proof_shape_invalid'],
    [
      'numeric value',
      v2({ payload: payloadOf({}, {}), accepted: acceptedOf({ amount: 1000 }) }),
      '400 proof_shape_invalid',
    ],
    ['no payload', v2({ payload: null }), '400 proof_shape_invalid'],
    [
      'unknown scheme',
      v2({ accepted: acceptedOf({ scheme: 'upto' }) }),
      '402 proof_scheme_unknown',
    ],
    [
      'other chain',
      v2({ accepted: acceptedOf({ network: 'eip155:1' }) }),
      '402 proof_network_unknown',
    ],
    ['other asset', v2({ accepted: acceptedOf({ asset: payTo }) }), '402 proof_quote_altered'],
    ['other amount', v2({ accepted: acceptedOf({ amount: '1' }) }), '402 proof_quote_altered'],
    ['other payee', v2({ accepted: acceptedOf({ payTo: payer }) }), '402 proof_quote_altered'],
    [
      'no challenge',
      v2({ accepted: acceptedOf({ extra: { name: 'USDC', version: '2' } }) }),
      '402 proof_quote_missing',
    ],
    ['altered challenge', v2({ accepted: acceptedOf({}, altered) }), '402 proof_quote_altered'],
    ['garbled challenge', v2({ accepted: acceptedOf({}, 'x') }), '402 proof_quote_altered'],
    [
      'another page’s challenge',
      v2({ accepted: acceptedOf({}, challengeFor({ url: pageB })) }),
      '402 proof_quote_altered',
    ],
    [
      'pays somebody else',
      v2({ payload: payloadOf({ to: payer }) }),
      '402 proof_recipient_mismatch',
    ],
    ['pays less', v2({ payload: payloadOf({ value: '999' }) }), '402 proof_amount_mismatch'],
    ['pays more', v2({ payload: payloadOf({ value: '1001' }) }), '402 proof_amount_mismatch'],
    [
      'ends within the margin',
      v2({ payload: payloadOf({ validBefore: String(nowS + 59) }) }),
      '402 proof_expired',
    ],
    [
      'not yet valid',
      v2({ payload: payloadOf({ validAfter: String(nowS + 1) }) }),
      '402 proof_not_yet_valid',
    ],
    ['high s', v2({ payload: highS() }), '402 proof_signature_invalid'],
    ['altered echo', v2(identified({ required: true })), '402 proof_extension_echo_mismatch'],
    [
      'short payment id',
      v2(identified({ required: false, id: 'short' })),
      '400 proof_payment_id_invalid',
    ],
    [
      'beyond uint256',
      v2({
        payload: {
          ...payloadOf(),
          authorization: { ...payloadOf().authorization, value: '9'.repeat(78) },
        },
      }),
      '400 proof_shape_invalid',
    ],
  ])('error: v2 %s', (_, document, expected) => {
    expect(codeOf(readV2(document))).toBe(expected);
  });

  test.each([
    ['version 2 in the header of 1', v2(), '400 proof_version_unsupported'],
    ['unknown scheme', v1({ scheme: 'upto' }), '402 proof_scheme_unknown'],
    ['unknown network', v1({ network: 'base' }), '402 proof_network_unknown'],
    ['CAIP-2 network', v1({ network: 'eip155:84532' }), '402 proof_network_unknown'],
    ['other amount', v1({ payload: payloadOf({ value: '999' }) }), '402 proof_amount_mismatch'],
    ['other payee', v1({ payload: payloadOf({ to: payer }) }), '402 proof_recipient_mismatch'],
    ['no payload', v1({ payload: [] }), '400 proof_shape_invalid'],
  ])('error: v1 %s', (_, document, expected) => {
    expect(codeOf(readV1(document))).toBe(expected);
  });

  test('error: proof_dialect_conflict', () => {
    const headers = { paymentSignature: encode(v2()), xPayment: encode(v1()) };
    expect(codeOf(readProof(headers, context))).toBe('400 proof_dialect_conflict');
  });

  test('behavior: a proof refused at page B is still good at page A', () => {
    const document = v2();
    expect(codeOf(readV2(document, { url: pageB }))).toBe('402 proof_quote_altered');
    expect(codeOf(readV2(document, { method: 'POST' }))).toBe('402 proof_quote_altered');
    expect(codeOf(readV2(document))).toBe('proof');
  });
});
