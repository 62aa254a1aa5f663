import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../api.given.js';
import * as Sample from '../projection/events.given.js';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  for (const publisherId of ['pub-1', 'pub-2']) {
    const where = { network: Sample.network, asset: Sample.token, payTo: Sample.payTo };
    const site = { publisherId, name: publisherId, hosts: [`${publisherId}.example`] };
    const data = { ...site, origin: 'http://origin', ...where };
    await api.append('registry', 'PublisherRegistered', data);
    const charge = { chargeId: `c-${publisherId}`, publisherId };
    const batchId = `b-${publisherId}`;
    await api.append('decisions', 'ChargePosted', Sample.chargePosted(charge));
    const chargeIds = [charge.chargeId];
    await api.append('settlements', 'BatchSealed', Sample.batchSealed({ batchId, chargeIds }));
    await api.append('decisions', 'ChargeInFlight', Sample.chargeInFlight({ ...charge, batchId }));
  }
  await api.visible();
});
afterAll(() => api.close());

const paths = (publisher: string) => [
  `/v1/publishers/${publisher}/revenue`,
  `/v1/publishers/${publisher}/balance`,
  `/v1/publishers/${publisher}/crawls`,
  `/v1/publishers/${publisher}/price-book`,
  `/v1/crawls/c-${publisher}`,
  `/v1/settlements/b-${publisher}`,
  `/v1/settlements?publisher=${publisher}`,
];
const open = ['/v1/session', '/v1/publishers', '/v1/settlements'];
const live = '/v1/publishers/pub-1/live';
const operators = [
  ...['/v1/reconciliation', '/v1/dead-letters'],
  '/v1/accounts/facilitator:acme/balance',
];

describe('who may read what', () => {
  test('error: token_invalid', async () => {
    const unknown = ['', 'Bearer', 'Bearer x', `Bearer ${api.tokens.operator}x`, 'Basic eDp5'];
    for (const path of [...paths('pub-1'), ...open, live, ...operators]) {
      for (const authorization of unknown) {
        const answer = await api.app.inject({ url: path, headers: { authorization } });
        expect([path, answer.statusCode, answer.json().code]).toEqual([path, 401, 'token_invalid']);
        expect(answer.headers['content-type']).toContain('application/problem+json');
      }
    }
  });

  test('behavior: the operator reads everything', async () => {
    const { operator } = api.tokens;
    const all = [...paths('pub-1'), ...paths('pub-2'), ...open, ...operators];
    for (const path of all) {
      expect([path, (await api.get(path, operator)).status]).toEqual([path, 200]);
    }
  });

  test('error: forbidden', async () => {
    const token = api.tokens.publishers['pub-1'];
    for (const path of [...paths('pub-1'), ...open]) {
      expect([path, (await api.get(path, token)).status]).toEqual([path, 200]);
    }
    for (const path of [...paths('pub-2'), '/v1/publishers/pub-2/live', ...operators]) {
      const { status, body } = await api.get(path, token);
      expect([path, status, (body as { code: string }).code]).toEqual([path, 403, 'forbidden']);
    }
    // Whether a stranger exists is nobody's business either.
    expect((await api.get('/v1/publishers/nobody/revenue', token)).status).toBe(403);
  });

  test('behavior: lists hold nothing of another publisher', async () => {
    const token = api.tokens.publishers['pub-1'];
    for (const path of [...open, '/v1/publishers/pub-1/crawls']) {
      const { body } = await api.get(path, token);
      expect(JSON.stringify(body)).not.toContain('pub-2');
    }
  });

  test('error: publisher_not_found, crawl_not_found, settlement_not_found', async () => {
    const codeOf = async (path: string) => {
      const { status, body } = await api.get(path, api.tokens.operator);
      return [status, (body as { code: string }).code];
    };
    expect(await codeOf('/v1/publishers/nobody/revenue')).toEqual([404, 'publisher_not_found']);
    expect(await codeOf('/v1/crawls/nothing')).toEqual([404, 'crawl_not_found']);
    expect(await codeOf('/v1/settlements/nothing')).toEqual([404, 'settlement_not_found']);
  });

  test('behavior: ids are data, whatever they hold', async () => {
    for (const id of [`'; DROP TABLE crawls --`, '{x:String}', '\\', 'é🐜']) {
      const path = `/v1/crawls/${encodeURIComponent(id)}`;
      expect((await api.get(path, api.tokens.operator)).status).toBe(404);
    }
  });
});

describe('price book', () => {
  const book = (price: string) => ({
    rules: [{ id: 'ai', path: '/**', crawlers: 'ai-agents', price }],
  });
  const put = async (publisher: string, payload: object, token?: string) => {
    const url = `/v1/publishers/${publisher}/price-book`;
    const headers = { authorization: `Bearer ${token ?? api.tokens.publishers['pub-1']}` };
    const answer = await api.app.inject({ method: 'PUT', url, payload, headers });
    return { status: answer.statusCode, body: answer.json() };
  };

  test('behavior: a replaced book is durable and in force when it is answered', async () => {
    const path = '/v1/publishers/pub-1/price-book';
    const token = api.tokens.publishers['pub-1'];
    expect((await api.get(path, token)).body).toEqual({
      ...{ publisher: 'pub-1', version: 0, priceBook: null },
    });
    const first = await put('pub-1', { expectedVersion: 0, priceBook: book('USD 0.001') });
    expect(first).toMatchObject({ status: 200, body: { version: 1 } });
    const { body } = await api.get(path, token);
    expect(body).toMatchObject({ version: 1, priceBook: book('USD 0.001') });
  });

  test('error: price_book_conflict', async () => {
    const stale = await put('pub-1', { expectedVersion: 0, priceBook: book('USD 0.002') });
    expect(stale).toMatchObject({ status: 409, body: { code: 'price_book_conflict' } });
    // Two at once from the same version: the log lets one win.
    const two = await Promise.all(
      ['USD 0.003', 'USD 0.004'].map((price) =>
        put('pub-1', { expectedVersion: 1, priceBook: book(price) }),
      ),
    );
    expect(two.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test('error: price_book_invalid', async () => {
    const wrong = await put('pub-1', { expectedVersion: 2, priceBook: book('0.001 USD') });
    expect(wrong).toMatchObject({ status: 400, body: { code: 'price_book_invalid' } });
    const shape = await put('pub-1', { expectedVersion: 2, priceBook: { rules: 7 } });
    expect(shape.status).toBe(400);
    expect((await put('pub-1', { priceBook: book('USD 1') })).body).toMatchObject({
      code: 'request_invalid',
    });
  });

  test('error: forbidden for another publisher’s book', async () => {
    const body = { expectedVersion: 0, priceBook: book('USD 9') };
    expect((await put('pub-2', body)).status).toBe(403);
    expect((await put('pub-2', body, api.tokens.operator)).status).toBe(200);
  });
});
