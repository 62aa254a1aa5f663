import { connect } from 'node:net';
import { type Recovery, recoverAddress } from '@paycrawl/crypto/recover';
import { type Recoveries, recoveriesOnLoop } from '@paycrawl/service-kit/recovery-threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ask, createFixture, encode, type Fixture, gptBot, payFor } from './testing/fixture.js';

// What may happen to a request while another thread recovers its signer.

interface Held {
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
  readonly answer: (recovery: Recovery) => void;
}

let held: Held[] = [];
const holding: Recoveries = {
  ...recoveriesOnLoop,
  recover: (digest, signature) => new Promise((answer) => held.push({ digest, signature, answer })),
  waiting: () => held.length,
};

function answerAll(): void {
  const all = held;
  held = [];
  for (const { digest, signature, answer } of all) answer(recoverAddress(digest, signature));
}

let fixture: Fixture;
beforeEach(async () => {
  held = [];
  fixture = await createFixture({
    recoveries: holding,
    env: { INGRESS_IN_FLIGHT_MAX: '10' },
  });
});
afterEach(() => fixture.close());

const typesOf = async (topic: 'challenges' | 'payments') =>
  (await fixture.events(topic)).map(({ type }) => type);

test('behavior: one proof several times while it is recovered is one record and one page', async () => {
  const { headers } = await payFor(fixture);
  const answers = Array.from({ length: 5 }, () => ask(fixture, { headers }));
  await expect.poll(() => held).toHaveLength(5);
  answerAll();
  for (const { status, body } of await Promise.all(answers)) {
    expect({ status, body }).toEqual({ status: 200, body: 'page /page' });
  }
  expect(await typesOf('payments')).toEqual(['ProofReceived', 'CrawlDelivered']);
  expect(fixture.origin.requests).toHaveLength(1);
});

test('behavior: who hangs up while it is recovered has paid nothing', async () => {
  const { headers } = await payFor(fixture);
  const { hostname, port } = new URL(fixture.ingress.address);
  const lines = Object.entries({ host: fixture.host, 'user-agent': gptBot, ...headers });
  const leaving = connect(Number(port), hostname, () => {
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    leaving.write(`GET /page HTTP/1.1\r\n${head}\r\n`);
  });
  await expect.poll(() => held).toHaveLength(1);
  leaving.resetAndDestroy();
  // The ingress read a request that came after the other one was left.
  expect((await ask(fixture)).status).toBe(402);
  answerAll();
  expect((await ask(fixture)).status).toBe(402);
  expect(await typesOf('payments')).toEqual([]);
  const paying = ask(fixture, { headers });
  await expect.poll(() => held).toHaveLength(1);
  answerAll();
  expect((await paying).status).toBe(200);
});

test('error: ingress_overloaded counts those that are recovered; rubbish leaves its place', async () => {
  const { document, headers } = await payFor(fixture);
  const { signature } = document.payload;
  const forged = { ...document.payload, signature: `0x${'ff'.repeat(64)}${signature.slice(-2)}` };
  const rubbish = { 'payment-signature': encode({ ...document, payload: forged }) };
  const answers = Array.from({ length: 10 }, () => ask(fixture, { headers: rubbish }));
  await expect.poll(() => held).toHaveLength(10);
  const refused = await ask(fixture, { headers });
  expect(refused.status).toBe(503);
  expect(JSON.parse(refused.body).code).toBe('ingress_overloaded');
  answerAll();
  for (const { status } of await Promise.all(answers)) expect(status).toBe(402);
  const paying = ask(fixture, { headers });
  await expect.poll(() => held).toHaveLength(1);
  answerAll();
  expect(await paying).toMatchObject({ status: 200, body: 'page /page' });
});
