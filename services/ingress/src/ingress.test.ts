import { Buffer } from 'node:buffer';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ask,
  createFixture,
  encode,
  type Fixture,
  offerOf,
  payFor,
  payloadOf,
  payTo,
} from './testing/fixture.js';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await createFixture();
});
afterEach(() => fixture.close());

const typesOf = async (topic: 'challenges' | 'payments') =>
  (await fixture.events(topic)).map(({ type }) => type);

describe('challenges', () => {
  test('behavior: a crawler without a payment gets both offers, durable before they are sent', async () => {
    const got = await ask(fixture);
    expect(got.status).toBe(402);
    expect(got.headers['cache-control']).toBe('no-store');
    expect(got.headers.vary).toContain('PAYMENT-SIGNATURE');
    const offer = offerOf(got);
    expect(offer).toMatchObject({
      x402Version: 2,
      resource: { url: 'http://site.example/page' },
      accepts: [{ amount: '1000', network: 'eip155:84532', extra: { name: 'USDC' } }],
    });
    expect(JSON.parse(got.body)).toMatchObject({
      x402Version: 1,
      accepts: [{ maxAmountRequired: '1000', network: 'base-sepolia' }],
    });
    const [issued] = await fixture.events('challenges');
    expect(issued).toMatchObject({
      type: 'ChallengeIssued',
      data: { path: '/page', crawler: 'GPTBot', amount: '1000', payTo, ruleId: 'pages' },
    });
    expect(offer.accepts[0].extra.challenge).toContain(issued?.id);
    expect(fixture.origin.requests).toHaveLength(0);
  });

  test('error: log_unavailable when the challenge cannot be made durable', async () => {
    fixture.refusesAppend = () => true;
    const got = await ask(fixture);
    expect(got.status).toBe(503);
    expect(got.headers['retry-after']).toBe('1');
    expect(JSON.parse(got.body).code).toBe('log_unavailable');
    fixture.refusesAppend = () => false;
    expect((await ask(fixture)).status).toBe(402);
  });

  test('behavior: a frozen publisher takes no payments, a withdrawn dialect is not offered', async () => {
    const withdrawn = (dialect: 'x402-v2-exact' | 'x402-v1-exact') =>
      fixture.register({ type: 'OfferWithdrawn', data: { dialect, reason: 'test' } });
    await withdrawn('x402-v2-exact');
    await expect.poll(async () => (await ask(fixture)).headers['payment-required']).toBe(undefined);
    await withdrawn('x402-v1-exact');
    await expect.poll(async () => (await ask(fixture)).status).toBe(503);
    const frozen = { publisherId: 'p1', reason: 'test' };
    await fixture.register({ type: 'PublisherFrozen', data: frozen });
    await expect.poll(async () => (await ask(fixture)).status).toBe(403);
  });
});

describe('where exact ends', () => {
  const measured = (figures: { marginS: number; gasCostWeiPerCharge: string }) => ({
    type: 'SettlementMeasured' as const,
    data: {
      ...{ partition: 0, network: 'eip155:84532', queueCharges: 1, ratePerMinute: 1 },
      ...{ slowestConfirmationMs: 1, clockDifferenceMs: 0 },
      ...figures,
    },
  });

  test('behavior: not offered while the queue of settlement fills half of the window', async () => {
    await fixture.register(measured({ marginS: 451, gasCostWeiPerCharge: '0' }));
    await expect.poll(async () => (await ask(fixture)).status).toBe(503);
    await fixture.register(measured({ marginS: 100, gasCostWeiPerCharge: '0' }));
    await expect.poll(async () => (await ask(fixture)).status).toBe(402);
  });

  test('behavior: not offered for less than the configured multiple of its gas', async () => {
    // Gas for 0.0001 USD at 4,000 USD per ETH; the page costs 0.001 USD, ten times as much.
    const gasCostWeiPerCharge = '25000000000';
    for (const [multiple, status] of [
      ['10', 402],
      ['11', 503],
    ] as const) {
      const env = { GAS_MULTIPLE_MIN: multiple, NATIVE_ASSET_MICROS: '4000000000' };
      const strict = await createFixture({ env });
      await strict.register(measured({ marginS: 200, gasCostWeiPerCharge }));
      // The measurement has arrived when the window has grown with it, or nothing is offered.
      const hasArrived = (got: Awaited<ReturnType<typeof ask>>) =>
        got.status === 503 || offerOf(got).accepts[0].maxTimeoutSeconds === 400;
      await expect.poll(async () => hasArrived(await ask(strict))).toBe(true);
      await expect.poll(async () => (await ask(strict)).status).toBe(status);
      await strict.close();
    }
  });
});

describe('a paid crawl', () => {
  test('behavior: content comes with a receipt, after proof and outcome are durable', async () => {
    const { headers } = await payFor(fixture);
    const got = await ask(fixture, { headers });
    expect(got).toMatchObject({ status: 200, body: 'page /page' });
    expect(got.headers['cache-control']).toBe('private');
    const receipt = JSON.parse(
      Buffer.from(String(got.headers['payment-response']), 'base64').toString(),
    );
    const [proof, outcome] = await fixture.events('payments');
    expect(proof).toMatchObject({
      type: 'ProofReceived',
      data: { amount: '1000', path: '/page', signatureCheck: { kind: 'recovered' } },
    });
    expect(outcome).toMatchObject({
      type: 'CrawlDelivered',
      data: { outcome: 'delivered', status: 200, bytes: 10 },
    });
    expect(receipt).toMatchObject({ success: true, transaction: '' });
    expect(proof).toMatchObject({ data: { chargeId: receipt.extra.commitmentId } });
    const [seen] = fixture.origin.requests;
    expect(seen?.headers['payment-signature']).toBe(undefined);
    expect(seen?.headers['x-forwarded-host']).toBe('site.example');
  });

  test('behavior: version 1 pays the same page', async () => {
    await ask(fixture);
    const document = {
      x402Version: 1,
      scheme: 'exact',
      network: 'base-sepolia',
      payload: payloadOf('1000'),
    };
    const got = await ask(fixture, { headers: { 'x-payment': encode(document) } });
    expect(got.status).toBe(200);
    expect(got.headers['x-payment-response']).toBeDefined();
    expect(await typesOf('payments')).toEqual(['ProofReceived', 'CrawlDelivered']);
  });

  test('behavior: the same proof 100 times at once asks the origin once, and all get the page', async () => {
    const { headers } = await payFor(fixture);
    let release = () => undefined as unknown;
    fixture.origin.respond = (_, response) => {
      release = () => response.end('once');
    };
    const all = Array.from({ length: 100 }, () => ask(fixture, { headers }));
    await expect.poll(() => fixture.origin.requests.length).toBe(1);
    release();
    const bodies = (await Promise.all(all)).map(({ status, body }) => `${status} ${body}`);
    expect(new Set(bodies)).toEqual(new Set(['200 once']));
    expect(fixture.origin.requests).toHaveLength(1);
    expect(await typesOf('payments')).toEqual(['ProofReceived', 'CrawlDelivered']);
  });

  test('behavior: a lost wake-up only delays', async () => {
    fixture.verifier.losesWakeups = true;
    const { headers } = await payFor(fixture);
    expect((await ask(fixture, { headers })).status).toBe(200);
  });

  test('behavior: a charged proof is served again without another outcome', async () => {
    const { headers } = await payFor(fixture);
    expect((await ask(fixture, { headers })).status).toBe(200);
    // At once it comes from memory; asked for in another form it needs a lease and the origin.
    expect((await ask(fixture, { headers })).status).toBe(200);
    expect(fixture.origin.requests).toHaveLength(1);
    const inOtherForm = { ...headers, accept: 'text/plain' };
    expect((await ask(fixture, { headers: inOtherForm })).status).toBe(200);
    expect(fixture.origin.requests).toHaveLength(2);
    expect(await typesOf('payments')).toEqual(['ProofReceived', 'CrawlDelivered', 'ProofReceived']);
  });

  test('error: no 200 without an outcome in the log', async () => {
    const { headers } = await payFor(fixture);
    fixture.refusesAppend = ({ type }) => type === 'CrawlDelivered';
    const got = await ask(fixture, { headers });
    expect(got.status).toBe(503);
    expect(got.headers['retry-after']).toBe('1');
    expect(got.body).not.toContain('page');
  });

  test('behavior: the payment identifier reaches the verifier with a hash of the payload', async () => {
    const { document } = await payFor(fixture);
    document.extensions['payment-identifier'].info.id = 'pay_0123456789abcdef';
    const got = await ask(fixture, { headers: { 'payment-signature': encode(document) } });
    expect(got.status).toBe(200);
    expect((await fixture.events('payments'))[0]).toMatchObject({
      data: { paymentId: 'pay_0123456789abcdef', payloadHash: expect.any(String) },
    });
  });
});

describe('what the verifier refuses', () => {
  test('error: insufficient_funds is 402 with a new offer, and remembered for a moment', async () => {
    fixture.verifier.script = () => 'insufficient_funds';
    const first = await ask(fixture, { headers: (await payFor(fixture)).headers });
    expect(first.status).toBe(402);
    expect(offerOf(first)).toMatchObject({ error: 'insufficient_funds' });
    expect(JSON.parse(first.body).code).toBe('insufficient_funds');
    fixture.verifier.script = () => 'accept';
    const second = await ask(fixture, { headers: (await payFor(fixture)).headers });
    expect(second.status).toBe(402);
    expect(await typesOf('payments')).toEqual(['ProofReceived']);
    expect((await fixture.events('challenges')).at(-2)).toMatchObject({
      type: 'ProofRefused',
      data: { code: 'insufficient_funds' },
    });
  });

  test.each([
    ['funds_unknown', 503],
    ['delivery_in_progress', 503],
    ['payment_identifier_conflict', 409],
    ['nonce_already_used', 402],
    ['payer_frozen', 403],
  ] as const)('error: %s is %i', async (code, status) => {
    fixture.verifier.script = () => code;
    const got = await ask(fixture, { headers: (await payFor(fixture)).headers });
    expect(got.status).toBe(status);
    expect(JSON.parse(got.body).code).toBe(code);
    expect(got.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    expect(fixture.origin.requests).toHaveLength(0);
  });
});

test('error: decision_unknown after the time to decide, and the hold is given up', async () => {
  await fixture.close();
  fixture = await createFixture({ env: { DECIDE_WITHIN_MS: '60', DECIDE_GRACE_MS: '40' } });
  fixture.verifier.script = () => 'silent';
  const got = await ask(fixture, { headers: (await payFor(fixture)).headers });
  expect(got.status).toBe(503);
  expect(got.headers['retry-after']).toBe('1');
  await expect
    .poll(async () => (await fixture.events('payments')).at(-1))
    .toMatchObject({
      type: 'CrawlNotDelivered',
      data: { outcome: 'abandoned' },
    });
});
