import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ask, createFixture, type Fixture, gptBot, payFor } from './testing/fixture.js';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await createFixture({
    env: { ORIGIN_HEADERS_TIMEOUT_MS: '300', ORIGIN_BODY_TIMEOUT_MS: '300' },
  });
});
afterEach(() => fixture.close());

const long = 'x'.repeat(300_000);

async function lastOutcome() {
  await expect
    .poll(async () => (await fixture.events('payments')).at(-1)?.type)
    .toMatch(/^Crawl(Not)?Delivered$/);
  return (await fixture.events('payments')).at(-1);
}

/** Asks for a page with its payment and hangs up when told to. */
async function askAndHangUp(when: 'at_once' | 'at_first_byte') {
  const { headers } = await payFor(fixture);
  const { hostname, port } = new URL(fixture.ingress.address);
  await new Promise<void>((resolve) => {
    const outgoing = request(
      {
        ...{ hostname, port, path: '/page', agent: false },
        headers: { host: fixture.host, 'user-agent': gptBot, ...headers },
      },
      (incoming) => incoming.once('data', () => outgoing.destroy()),
    );
    outgoing.on('error', () => undefined);
    outgoing.on('close', () => resolve());
    outgoing.end();
    if (when === 'at_once') {
      const check = setInterval(() => {
        if (fixture.origin.requests.length === 0) return;
        clearInterval(check);
        outgoing.destroy();
      }, 5);
    }
  });
  return headers;
}

describe('origins that fail', () => {
  test.each([
    [404, 'origin_4xx'],
    [500, 'origin_5xx'],
    [302, 'redirected'],
  ])('behavior: %i is passed on and not charged', async (status, outcome) => {
    fixture.origin.respond = (_, response) => response.writeHead(status).end('as it is');
    const { headers } = await payFor(fixture);
    const got = await ask(fixture, { headers });
    expect(got).toMatchObject({ status, body: 'as it is' });
    expect(got.headers['payment-response']).toBe(undefined);
    expect(await lastOutcome()).toMatchObject({
      type: 'CrawlNotDelivered',
      data: { outcome, status },
    });
    // The hold ended: the same proof is good for another try.
    fixture.origin.respond = (_, response) => response.end('now');
    expect((await ask(fixture, { headers })).body).toBe('now');
  });

  test('error: origin_unreachable is 502', async () => {
    const { headers } = await payFor(fixture);
    await fixture.origin.close();
    const got = await ask(fixture, { headers });
    expect(got.status).toBe(502);
    expect(await lastOutcome()).toMatchObject({ data: { outcome: 'origin_unreachable' } });
  });

  test('error: origin_timeout is 504, before the headers and within the body', async () => {
    fixture.origin.respond = () => undefined;
    const first = await ask(fixture, { headers: (await payFor(fixture)).headers });
    expect(first.status).toBe(504);
    expect(await lastOutcome()).toMatchObject({ data: { outcome: 'origin_timeout' } });
    fixture.origin.respond = (_, response) => response.write('beginning');
    const second = await ask(fixture, { headers: (await payFor(fixture)).headers });
    expect(second.status).toBe(504);
    expect(second.body).not.toContain('beginning');
  });

  test('error: log_unavailable for an outcome ends the hold as soon as the log is back', async () => {
    const { headers } = await payFor(fixture);
    fixture.refusesAppend = ({ type }) => type === 'CrawlDelivered';
    const got = await ask(fixture, { headers });
    expect(got.status).toBe(503);
    expect(JSON.parse(got.body).code).toBe('log_unavailable');
    // Otherwise a repeat would have to wait for the end of the lease.
    const ended = { type: 'CrawlNotDelivered', data: { outcome: 'abandoned' } };
    await expect.poll(lastOutcome).toMatchObject(ended);
    fixture.refusesAppend = () => false;
    expect((await ask(fixture, { headers })).status).toBe(200);
  });

  test('error: origin_truncated is 502, and nothing of the page was sent', async () => {
    fixture.origin.respond = (_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half', () => response.destroy());
    };
    const got = await ask(fixture, { headers: (await payFor(fixture)).headers });
    expect(got.status).toBe(502);
    expect(got.body).not.toContain('half');
    expect(await lastOutcome()).toMatchObject({ data: { outcome: 'origin_truncated' } });
  });
});

describe('pages too long to be held', () => {
  test.each([
    ['announced', { 'content-length': String(long.length) }],
    ['not announced', {}],
  ])('behavior: of a length %s, started before and delivered after', async (_, lengths) => {
    fixture.origin.respond = (_, response) => response.writeHead(200, lengths).end(long);
    const got = await ask(fixture, { headers: (await payFor(fixture)).headers });
    expect(got).toMatchObject({ status: 200, isComplete: true });
    expect(got.body.length).toBe(long.length);
    expect(got.headers['payment-response']).toBeDefined();
    expect(await lastOutcome()).toMatchObject({
      type: 'CrawlDelivered',
      data: { outcome: 'delivered', bytes: long.length },
    });
    expect((await fixture.events('payments')).map(({ type }) => type)).toEqual([
      'ProofReceived',
      'DeliveryStarted',
      'CrawlDelivered',
    ]);
  });

  test('behavior: broken off by the origin, the client notices and nothing is charged', async () => {
    fixture.origin.respond = (_, response) => {
      response.writeHead(200, { 'content-length': '600000' });
      response.write(long, () => response.destroy());
    };
    const got = await ask(fixture, { headers: (await payFor(fixture)).headers });
    expect(got.isComplete).toBe(false);
    expect(await lastOutcome()).toMatchObject({
      type: 'CrawlNotDelivered',
      data: { outcome: 'origin_truncated' },
    });
  });

  test('behavior: left by the client, nothing is charged', async () => {
    fixture.origin.respond = (_, response) => void response.writeHead(200).write(long);
    await askAndHangUp('at_first_byte');
    expect(await lastOutcome()).toMatchObject({
      type: 'CrawlNotDelivered',
      data: { outcome: 'client_disconnected' },
    });
  });

  test('error: no byte without DeliveryStarted in the log', async () => {
    fixture.origin.respond = (_, response) => response.end(long);
    fixture.refusesAppend = ({ type }) => type === 'DeliveryStarted';
    const got = await ask(fixture, { headers: (await payFor(fixture)).headers });
    expect(got.status).toBe(503);
    expect(got.body).not.toContain('xxx');
  });

  test('behavior: an error page that is long is passed on and not charged', async () => {
    fixture.origin.respond = (_, response) => response.writeHead(404).end(long);
    const got = await ask(fixture, { headers: (await payFor(fixture)).headers });
    expect(got).toMatchObject({ status: 404, isComplete: true });
    expect(await lastOutcome()).toMatchObject({
      type: 'CrawlNotDelivered',
      data: { outcome: 'origin_4xx' },
    });
  });
});

test('behavior: a client that hangs up before the page came is not charged', async () => {
  fixture.origin.respond = () => undefined;
  const headers = await askAndHangUp('at_once');
  expect(await lastOutcome()).toMatchObject({
    type: 'CrawlNotDelivered',
    data: { outcome: 'client_disconnected' },
  });
  fixture.origin.respond = (_, response) => response.end('again');
  expect((await ask(fixture, { headers })).body).toBe('again');
});

test('error: lease_over when the decision came too late to deliver', async () => {
  fixture.verifier.leaseMs = 1;
  fixture.origin.respond = (_, response) => void setTimeout(() => response.end('late'), 20);
  const got = await ask(fixture, { headers: (await payFor(fixture)).headers });
  expect([503, 504]).toContain(got.status);
  expect(await lastOutcome()).toMatchObject({ type: 'CrawlNotDelivered' });
  expect(got.body).not.toContain('"late"');
});

test('behavior: caches are told the truth about paid pages', async () => {
  fixture.origin.respond = (_, response) => {
    response.setHeader('cache-control', 'public, max-age=60, s-maxage=600');
    response.setHeader('vary', 'Accept');
    response.end('page');
  };
  const got = await ask(fixture, { headers: (await payFor(fixture)).headers });
  expect(got.headers['cache-control']).toBe('private, max-age=60');
  expect(got.headers.vary).toBe('Accept, User-Agent, PAYMENT-SIGNATURE, X-PAYMENT');
});
