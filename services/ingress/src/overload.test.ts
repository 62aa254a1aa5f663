import { Agent } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { ask, createFixture, type Fixture, payFor } from './testing/fixture.js';

let fixture: Fixture;
afterEach(() => fixture.close());

interface Latch {
  readonly reached: Promise<void>;
  reach(): void;
}

function latch(): Latch {
  let reach = (): void => undefined;
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return { reached, reach: () => reach() };
}

/** A challenge whose append has begun, and ends when it may. */
async function askAndAppendSlowly() {
  const [appending, may] = [latch(), latch()];
  fixture.delaysAppend = () => {
    appending.reach();
    return may.reached;
  };
  const first = ask(fixture);
  await appending.reached;
  return { first, may };
}

test('error: ingress_overloaded, before the payment is read; what was let in is served', async () => {
  fixture = await createFixture({ env: { INGRESS_IN_FLIGHT_MAX: '1' } });
  const first = await payFor(fixture, { path: '/slow' });
  const second = await payFor(fixture, { path: '/next' });
  const [asked, may] = [latch(), latch()];
  fixture.origin.respond = (request, response) => {
    asked.reach();
    void may.reached.then(() => response.end(`page ${request.url}`));
  };
  const served = ask(fixture, { path: '/slow', headers: first.headers });
  await asked.reached;
  const before = await fixture.events('challenges');
  for (const headers of [second.headers, { 'payment-signature': 'no payment at all' }]) {
    const got = await ask(fixture, { path: '/next', headers });
    expect(got.status).toBe(503);
    expect(got.headers['retry-after']).toBe('1');
    expect(JSON.parse(got.body).code).toBe('ingress_overloaded');
  }
  // Written nowhere: neither a proof nor its refusal.
  expect(await fixture.events('challenges')).toEqual(before);
  may.reach();
  expect(await served).toMatchObject({ status: 200, body: 'page /slow' });
  expect((await ask(fixture, { path: '/next', headers: second.headers })).status).toBe(200);
  const events = await fixture.events('payments');
  expect(events.map(({ type }) => type)).toEqual([
    ...['ProofReceived', 'CrawlDelivered'],
    ...['ProofReceived', 'CrawlDelivered'],
  ]);
});

test('behavior: at a shut door whoever brings a payment is told so by its head, on any path', async () => {
  fixture = await createFixture({ env: { INGRESS_IN_FLIGHT_MAX: '1' } });
  const { headers } = await payFor(fixture, { path: '/slow' });
  const [asked, may] = [latch(), latch()];
  fixture.origin.respond = (request, response) => {
    if (request.url !== '/slow') return void response.end('page');
    asked.reach();
    void may.reached.then(() => response.end('page'));
  };
  const served = ask(fixture, { path: '/slow', headers });
  await asked.reached;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const status = async (path: string, payment?: string): Promise<number> =>
    (
      await ask(fixture, {
        path,
        agent,
        headers: payment === undefined ? {} : { 'x-payment': payment },
      })
    ).status;
  expect(await status('/page', 'abc')).toBe(503);
  expect(await status('/free/page', 'abc')).toBe(503);
  expect(await status('/free/page')).toBe(200);
  may.reach();
  expect((await served).status).toBe(200);
  expect(await status('/free/page', 'abc')).toBe(200);
  agent.destroy();
});

test('behavior: a connection that paid gets its next challenge while others are told to come back', async () => {
  fixture = await createFixture({
    env: {
      ...{ INGRESS_BUSY_PERCENT: '1', INGRESS_CHALLENGES_PER_S_MIN: '1' },
      ...{ INGRESS_PAYMENTS_PER_STRANGER: '1000000', INGRESS_REFUSAL_HOLD_MS: '0' },
    },
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const paying = async (): Promise<number> => {
    const { headers } = await payFor(fixture, { agent });
    return (await ask(fixture, { agent, headers })).status;
  };
  const stranger = async (): Promise<number> => {
    expect(await paying()).toBe(200);
    return (await ask(fixture)).status;
  };
  await expect.poll(stranger, { timeout: 10_000, interval: 5 }).toBe(503);
  for (let i = 0; i < 5; i++) expect(await paying()).toBe(200);
  agent.destroy();
});

test('error: challenges_overloaded while the log has enough of them; payments are let in', async () => {
  fixture = await createFixture({
    env: { INGRESS_CHALLENGES_IN_FLIGHT_MAX: '1', INGRESS_REFUSAL_HOLD_MS: '0' },
  });
  const { headers } = await payFor(fixture);
  const { first, may } = await askAndAppendSlowly();
  fixture.delaysAppend = () => undefined;
  // A payment that is no good would be answered by a challenge as well.
  for (const refused of [{}, { 'payment-signature': 'no payment at all' }]) {
    const got = await ask(fixture, { headers: refused });
    expect(got.status).toBe(503);
    expect(got.headers['retry-after']).toBe('1');
    expect(JSON.parse(got.body).code).toBe('challenges_overloaded');
  }
  expect((await ask(fixture, { headers })).status).toBe(200);
  may.reach();
  expect((await first).status).toBe(402);
  const types = (await fixture.events('challenges')).map(({ type }) => type);
  expect(types).toEqual(['ChallengeIssued', 'ChallengeIssued']);
});

test('behavior: who does not pay hears of it late, and is not kept beyond the close', async () => {
  fixture = await createFixture({
    env: { INGRESS_CHALLENGES_IN_FLIGHT_MAX: '1', INGRESS_REFUSAL_HOLD_MS: '300' },
  });
  const { first, may } = await askAndAppendSlowly();
  const beganMs = performance.now();
  expect((await ask(fixture)).status).toBe(503);
  expect(performance.now() - beganMs).toBeGreaterThanOrEqual(300);
  may.reach();
  expect((await first).status).toBe(402);
});
