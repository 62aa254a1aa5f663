import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AccountChain } from './proof/account-check.js';
import {
  type Ask,
  ask,
  createFixture,
  encode,
  type Fixture,
  payFor,
  payloadOf,
} from './testing/fixture.js';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await createFixture();
});
afterEach(() => fixture.close());

type Payment = Awaited<ReturnType<typeof payFor>>['document'];
type Alter = (document: Payment) => unknown;

const accepting = (over: Record<string, unknown>) => (document: Payment) => ({
  ...document,
  accepted: { ...document.accepted, ...over },
});
const paying = (payload: unknown) => (document: Payment) => ({ ...document, payload });
const signing = (signatureOf: (signature: string) => string) => (document: Payment) => ({
  ...document,
  payload: { ...document.payload, signature: signatureOf(document.payload.signature) },
});

/** Asks with a v2 payment that was altered after it was made for this page. */
async function askAltered(alter: Alter, options: Ask = {}) {
  const { document } = await payFor(fixture, options);
  const altered = alter(document);
  const header = typeof altered === 'string' ? altered : encode(altered);
  return ask(fixture, { ...options, headers: { 'payment-signature': header } });
}

async function expectRefused(code: string, reason: string) {
  const refused = (await fixture.events('challenges')).filter(
    ({ type }) => type === 'ProofRefused',
  );
  expect(refused).toHaveLength(1);
  expect(refused[0]).toMatchObject({ data: { code, reason } });
  expect(await fixture.events('payments')).toEqual([]);
  expect(fixture.origin.requests).toHaveLength(0);
}

const deep = `{"x402Version":2,"a":${'['.repeat(50)}${']'.repeat(50)}}`;
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
function withHighS(signature: string): string {
  const s = BigInt(`0x${signature.slice(66, 130)}`);
  const flipped = signature.endsWith('1b') ? '1c' : '1b';
  return signature.slice(0, 66) + (order - s).toString(16).padStart(64, '0') + flipped;
}

describe('a proof that cannot be read', () => {
  test.each<[string, Alter, string]>([
    ['not base64', () => 'not base64!', 'proof_not_base64'],
    ['not JSON', () => Buffer.from('{').toString('base64'), 'proof_not_json'],
    ['another version', (d) => ({ ...d, x402Version: 7 }), 'proof_version_unsupported'],
    ['deeply nested', () => Buffer.from(deep).toString('base64'), 'proof_too_deep'],
    ['too large', () => 'A'.repeat(20_000), 'proof_header_too_large'],
    ['without payload', (d) => ({ ...d, payload: null }), 'proof_shape_invalid'],
    ['no bytes as signature', signing(() => '0xzz'), 'proof_shape_invalid'],
  ])('error: %s is 400', async (_, alter, code) => {
    const got = await askAltered(alter);
    expect(got.status).toBe(400);
    expect(JSON.parse(got.body).code).toBe(code);
    await expectRefused(
      code,
      code === 'proof_version_unsupported' ? 'invalid_x402_version' : 'invalid_payload',
    );
  });

  test('error: both versions at once, and one header twice', async () => {
    const { headers } = await payFor(fixture);
    const both = await ask(fixture, { headers: { ...headers, 'x-payment': 'AAAA' } });
    expect(JSON.parse(both.body).code).toBe('proof_dialect_conflict');
    const one = headers['payment-signature'];
    const twice = await ask(fixture, { headers: { 'payment-signature': [one, one] } });
    expect(JSON.parse(twice.body).code).toBe('proof_duplicate_header');
  });

  test('error: a header of 1 MB is refused by the parser, and the next request is served', async () => {
    const { hostname, port } = new URL(fixture.ingress.address);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number.parseInt(port, 10), hostname);
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('close', () => resolve(text));
      socket.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'EPIPE' || error.code === 'ECONNRESET' ? resolve(text) : reject(error),
      );
      socket.write(`GET /page HTTP/1.1\r\nHost: site.example\r\nPAYMENT-SIGNATURE: `);
      socket.write('A'.repeat(1_000_000));
    });
    // The connection may be gone before the client has read; the event stands in any case.
    if (answer !== '') expect(answer).toContain('HTTP/1.1 400');
    await expect
      .poll(async () => (await fixture.events('challenges')).at(-1))
      .toMatchObject({ type: 'ProofRefused', data: { code: 'request_headers_too_large' } });
    expect((await ask(fixture)).status).toBe(402);
  });
});

describe('a proof for something else', () => {
  const inThePast = String(Math.floor(Date.now() / 1000) - 10);
  const inFuture = String(Math.floor(Date.now() / 1000) + 100);
  test.each<[string, Alter, string, string]>([
    [
      'another scheme',
      accepting({ scheme: 'upto' }),
      'proof_scheme_unknown',
      'invalid_exact_evm_scheme',
    ],
    [
      'another network',
      accepting({ network: 'eip155:1' }),
      'proof_network_unknown',
      'invalid_exact_evm_network_mismatch',
    ],
    [
      'another quoted amount',
      accepting({ amount: '1' }),
      'proof_quote_altered',
      'No matching payment requirements',
    ],
    [
      'no quote',
      accepting({ extra: { name: 'USDC', version: '2' } }),
      'proof_quote_missing',
      'No matching payment requirements',
    ],
    [
      'another payee',
      paying(payloadOf('1000', { to: `0x${'cd'.repeat(20)}` })),
      'proof_recipient_mismatch',
      'invalid_exact_evm_recipient_mismatch',
    ],
    [
      'another amount',
      paying(payloadOf('999')),
      'proof_amount_mismatch',
      'invalid_exact_evm_payload_authorization_value_mismatch',
    ],
    [
      'an expired authorization',
      paying(payloadOf('1000', { validBefore: inThePast })),
      'proof_expired',
      'invalid_exact_evm_payload_authorization_valid_before',
    ],
    [
      'an authorization of tomorrow',
      paying(payloadOf('1000', { validAfter: inFuture })),
      'proof_not_yet_valid',
      'invalid_exact_evm_payload_authorization_valid_after',
    ],
    [
      'a malleable signature',
      signing(withHighS),
      'proof_signature_invalid',
      'invalid_exact_evm_signature',
    ],
  ])('error: %s is 402 with the reason of x402', async (_, alter, code, reason) => {
    const got = await askAltered(alter);
    expect(got.status).toBe(402);
    expect(JSON.parse(got.body)).toMatchObject({ code, error: reason });
    expect(got.headers['payment-required']).toBeDefined();
    await expectRefused(code, reason);
  });

  test('behavior: a proof for page A is refused at page B and still good at A', async () => {
    const { headers } = await payFor(fixture, { path: '/a' });
    expect((await ask(fixture, { path: '/b', headers })).status).toBe(402);
    expect((await ask(fixture, { path: '/a?x=1', headers })).status).toBe(402);
    expect((await ask(fixture, { path: '/a', headers, method: 'POST' })).status).toBe(402);
    expect((await ask(fixture, { path: '/a', headers })).body).toBe('page /a');
  });

  test('error: proof_quote_expired after its time and the skew', async () => {
    const { headers } = await payFor(fixture);
    fixture.now = () => Date.now() + 306_000;
    const got = await ask(fixture, { headers });
    expect(JSON.parse(got.body).code).toBe('proof_quote_expired');
  });

  test('behavior: a version 1 proof buys one page of its price, once', async () => {
    const payload = payloadOf('1000');
    const document = { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload };
    const headers = { 'x-payment': encode(document) };
    expect((await ask(fixture, { path: '/a', headers })).status).toBe(200);
    // Another page: the verifier decides, and to it this is a nonce that was used.
    fixture.verifier.script = () => 'nonce_already_used';
    await ask(fixture, { path: '/b', headers });
    const proofs = (await fixture.events('payments')).filter((e) => e.type === 'ProofReceived');
    expect(proofs.map((event) => event.type === 'ProofReceived' && event.data.path)).toEqual([
      '/a',
      '/b',
    ]);
  });
});

describe('accounts with code', () => {
  const asked: unknown[] = [];
  const chain = { answer: { valid: true, hasCode: true, blockNumber: 7 } };
  const account: AccountChain = {
    async isValidSignature(request) {
      asked.push(request);
      return chain.answer;
    },
  };
  beforeEach(async () => {
    asked.length = 0;
    chain.answer = { valid: true, hasCode: true, blockNumber: 7 };
    await fixture.close();
    fixture = await createFixture({ chain: account });
  });

  test('behavior: what no key signed is put to the account, and the proof says so', async () => {
    const got = await askAltered(signing(() => `0x${'12'.repeat(100)}`));
    expect(got.status).toBe(200);
    expect((await fixture.events('payments'))[0]).toMatchObject({
      data: { signatureCheck: { kind: 'asked', blockNumber: 7 } },
    });
  });

  test('error: a wrong signature of a plain account is 402, and asked about once', async () => {
    chain.answer = { valid: false, hasCode: false, blockNumber: 7 };
    const wrong = `0x${'11'.repeat(32)}${'22'.repeat(32)}1b`;
    for (let i = 0; i < 3; i++) {
      const got = await askAltered(signing(() => wrong));
      expect(got.status).toBe(402);
      expect(JSON.parse(got.body).code).toBe('proof_signature_invalid');
    }
    expect(asked).toHaveLength(1);
    expect(await fixture.events('payments')).toEqual([]);
  });

  test('behavior: needs_account_check makes the next proof ask the account', async () => {
    fixture.verifier.script = ({ signatureCheck }) =>
      signatureCheck.kind === 'asked' ? 'accept' : 'needs_account_check';
    expect((await askAltered((document) => document)).status).toBe(503);
    expect((await askAltered((document) => document)).status).toBe(200);
    expect(asked).toHaveLength(1);
  });
});

test('error: chain_unavailable is 503 with Retry-After, never a 402', async () => {
  const got = await askAltered(signing(() => `0x${'12'.repeat(100)}`));
  expect(got.status).toBe(503);
  expect(got.headers['retry-after']).toBe('1');
});
