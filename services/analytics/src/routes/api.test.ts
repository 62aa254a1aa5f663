import { physicalTopic } from '@paycrawl/events/topics';
import type { TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startedAtMs, startTestApi, type TestApi } from '../api.given.js';
import * as Sample from '../projection/events.given.js';
import * as Api from './api-types.js';

let api: TestApi;
const usdc = (amount: string) => ({ asset: Sample.usdc, amount, decimals: 6 });

async function register(publisherId: string, host: string): Promise<void> {
  const where = { network: Sample.network, asset: Sample.token, payTo: Sample.payTo };
  const site = { publisherId, name: publisherId, hosts: [host], origin: 'http://origin' };
  await api.append('registry', 'PublisherRegistered', { ...site, ...where });
}

/** Two crawls of pub-1 (one settled, one charged), one rejected; one crawl of pub-2. */
async function history(): Promise<void> {
  await register('pub-1', 'docs.example');
  await register('pub-2', 'news.example');
  await api.append('challenges', 'ChallengeIssued', Sample.challengeIssued());
  await api.append('challenges', 'ChallengeIssued', Sample.challengeIssued({ challengeId: 'q2' }));
  const input = await api.append('payments', 'CrawlDelivered', {
    ...{ chargeId: 'c1', payer: Sample.payer, requestId: 'r1', leaseId: 'l1' },
    ...{ outcome: 'delivered', status: 200, bytes: 100 },
  });
  await api.append('decisions', 'PaymentAccepted', Sample.paymentAccepted());
  const cause = [physicalTopic('payments'), 0, input, 0] as const;
  await api.append('decisions', 'ChargePosted', Sample.chargePosted(), cause);
  await api.append('ledger', 'LedgerPosted', Sample.ledgerPosted());
  const second = { chargeId: 'c2', amount: '500', path: '/b', crawler: 'ClaudeBot' };
  await api.append('decisions', 'ChargePosted', Sample.chargePosted(second));
  await api.append('ledger', 'LedgerPosted', ledger('charge_posted', 'pub-1', '500', 'c2'));
  const other = { chargeId: 'c9', publisherId: 'pub-2', amount: '70' };
  await api.append('decisions', 'ChargePosted', Sample.chargePosted(other));
  await api.append('ledger', 'LedgerPosted', ledger('charge_posted', 'pub-2', '70', 'c9'));
  await api.append('decisions', 'PaymentRejected', Sample.paymentRejected({ chargeId: 'c3' }));
  const chargeIds = ['c1', 'c9'];
  await api.append('settlements', 'BatchSealed', Sample.batchSealed({ chargeIds, amount: '1070' }));
  await api.append('decisions', 'ChargeInFlight', Sample.chargeInFlight());
  await api.append('decisions', 'ChargeInFlight', Sample.chargeInFlight(other));
  await api.append('settlements', 'BatchSubmitted', Sample.batchSubmitted());
  await api.append('settlements', 'BatchConfirmed', Sample.batchConfirmed());
  await api.append('decisions', 'ChargeSettled', Sample.chargeSettled());
  await api.append('ledger', 'LedgerPosted', ledger('charge_settled', 'pub-1', '1000', 'c1'));
}

function ledger(
  moment: 'charge_posted' | 'charge_settled',
  publisherId: string,
  amount: string,
  chargeId: string,
) {
  const payable = `publisher_payable/${publisherId}`;
  const [debit, credit] =
    moment === 'charge_posted'
      ? [`payer_receivable/${Sample.payer}`, payable]
      : [payable, `in_flight/${publisherId}`];
  const entries = [
    { account: debit, side: 'debit' as const, amount },
    { account: credit, side: 'credit' as const, amount },
  ];
  return Sample.ledgerPosted({ moment, publisherId, chargeId, entries });
}

beforeAll(async () => {
  api = await startTestApi();
  await history();
  await api.visible();
});
afterAll(() => api.close());

async function answer<Body>(path: string, schema: TSchema, token: string): Promise<Body> {
  const { status, body } = await api.get(path, token);
  expect(status, JSON.stringify(body)).toBe(200);
  expect([...Value.Errors(schema, body)]).toEqual([]);
  return body as Body;
}

const own = () => api.tokens.publishers['pub-1'] ?? '';
const period = 'from=2026-01-31&to=2026-02-01';

describe('figures of one publisher', () => {
  test('behavior: revenue by day, with what was challenged, charged and settled', async () => {
    const path = `/v1/publishers/pub-1/revenue?${period}&by=day`;
    const body = await answer<Api.Revenue>(path, Api.Revenue, own());
    expect(body.rows.map(({ key }) => key)).toEqual(['2026-01-31']);
    expect(body.total.counts).toMatchObject({ challenges: 2, charges: 2, chargesSettled: 1 });
    expect(body.total.counts).toMatchObject({ delivered: 2, paymentsRejected: 1 });
    expect(body.total.charged).toEqual([usdc('1500')]);
    expect(body.total.settled).toEqual([usdc('1000')]);
    expect(body.total.uncollectible).toEqual([]);
  });

  test.each([
    ['hour', ['2026-01-31T12:00:00Z']],
    ['crawler', ['GPTBot', 'ClaudeBot']],
    ['path', ['/a', '/b']],
    ['dialect', ['x402-v2-exact', '']],
    [
      'status',
      [
        ...['challenges', 'paymentsRejected', 'paymentsAccepted', 'delivered', 'charges'],
        'chargesSettled',
      ],
    ],
  ])('behavior: by %s has the same total', async (by, keys) => {
    const path = `/v1/publishers/pub-1/revenue?${period}&by=${by}`;
    const body = await answer<Api.Revenue>(path, Api.Revenue, own());
    expect(body.rows.map(({ key }) => key)).toEqual(keys);
    expect(body.total.charged).toEqual([usdc('1500')]);
  });

  test('behavior: a period without anything is none, not an error', async () => {
    const path = '/v1/publishers/pub-1/revenue?from=2025-01-01&to=2025-01-02';
    const body = await answer<Api.Revenue>(path, Api.Revenue, own());
    expect(body).toMatchObject({ rows: [], total: { charged: [], counts: { charges: 0 } } });
  });

  test('behavior: the balance is the ledger’s', async () => {
    const path = '/v1/publishers/pub-1/balance';
    const body = await answer<Api.Balance>(path, Api.Balance, own());
    expect(body).toMatchObject({
      charged: [usdc('1500')],
      settled: [usdc('1000')],
      uncollectible: [],
      owed: [usdc('500')],
    });
    const payable = body.accounts.find(({ account }) => account === 'publisher_payable');
    expect(payable?.balance).toEqual(usdc('500'));
  });

  test('behavior: crawls come newest first, page by page, each once', async () => {
    const seen: string[] = [];
    let cursor = '';
    for (;;) {
      const path = `/v1/publishers/pub-1/crawls?${period}&limit=2${cursor}`;
      const { crawls, next } = await answer<Api.Crawls>(path, Api.Crawls, own());
      seen.push(...crawls.map(({ id }) => id));
      if (next === null) break;
      cursor = `&cursor=${next}`;
    }
    expect(seen).toEqual(['c3', 'c2', 'c1', 'q2', 'q1']);
  });

  test('behavior: crawls are filtered', async () => {
    const ids = async (filter: string) => {
      const path = `/v1/publishers/pub-1/crawls?${period}&${filter}`;
      return (await answer<Api.Crawls>(path, Api.Crawls, own())).crawls.map(({ id }) => id);
    };
    expect(await ids('status=settled')).toEqual(['c1']);
    expect(await ids('status=challenged&limit=1')).toEqual(['q2']);
    expect(await ids('crawler=ClaudeBot')).toEqual(['c2']);
    expect(await ids('path=/b')).toEqual(['c2']);
    expect(await ids(`payer=${encodeURIComponent(Sample.payer)}`)).toEqual(['c3', 'c2', 'c1']);
  });
});

describe('one crawl', () => {
  test('behavior: every event in causal order with its position, and its settlement', async () => {
    const body = await answer<Api.CrawlDetail>('/v1/crawls/c1', Api.CrawlDetail, own());
    expect(body.crawl).toMatchObject({ id: 'c1', status: 'settled', batchId: 'b1' });
    const types = body.events.map(({ type }) => type);
    expect(types).toEqual([
      ...['ChallengeIssued', 'CrawlDelivered', 'PaymentAccepted', 'ChargePosted', 'LedgerPosted'],
      ...['BatchSealed', 'ChargeInFlight', 'BatchSubmitted', 'BatchConfirmed', 'ChargeSettled'],
      'LedgerPosted',
    ]);
    expect(body.events[3]).toMatchObject({ topic: 'decisions.1', partition: 0, offset: 1 });
    expect(body.events[3]?.cause).toMatchObject({ topic: 'payments.1', offset: 0 });
    expect(body.settlement).toMatchObject({ id: 'b1', status: 'confirmed', charges: 1 });
  });

  test('behavior: no signature leaves, and nothing of another publisher’s charges', async () => {
    const body = await answer<Api.CrawlDetail>('/v1/crawls/c1', Api.CrawlDetail, own());
    const text = JSON.stringify(body);
    expect(text).not.toContain('cdcdcdcd');
    expect(text).not.toContain('"c9"');
    expect(text).not.toContain('1070');
    const sealed = body.events.find(({ type }) => type === 'BatchSealed');
    expect(sealed?.data).toMatchObject({ batchId: 'b1', chargeIds: ['c1'] });
  });
});

describe('settlements', () => {
  test('behavior: a publisher sees its own share of a batch, an operator all of it', async () => {
    const mine = await answer<Api.Settlements>('/v1/settlements', Api.Settlements, own());
    expect(mine.settlements).toMatchObject([
      { id: 'b1', status: 'confirmed', charges: 1, amounts: [usdc('1000')], gas: null },
    ]);
    const { operator } = api.tokens;
    const all = await answer<Api.Settlements>('/v1/settlements', Api.Settlements, operator);
    expect(all.settlements).toMatchObject([{ charges: 2, amounts: [usdc('1070')] }]);
    expect(all.settlements[0]?.gas).toMatchObject({ amount: '90000000000000', decimals: 18 });
  });

  test('behavior: one batch with its charges and events', async () => {
    const path = '/v1/settlements/b1';
    const mine = await answer<Api.SettlementDetail>(path, Api.SettlementDetail, own());
    expect(mine.charges).toMatchObject([{ chargeId: 'c1', outcome: 'settled' }]);
    expect(JSON.stringify(mine)).not.toContain('"c9"');
    const all = await answer<Api.SettlementDetail>(path, Api.SettlementDetail, api.tokens.operator);
    expect(all.charges.map(({ chargeId, outcome }) => [chargeId, outcome])).toEqual([
      ['c1', 'settled'],
      ['c9', 'in_flight'],
    ]);
    expect(all.events.map(({ type }) => type)).toEqual([
      ...['BatchSealed', 'BatchSubmitted', 'BatchConfirmed'],
    ]);
  });
});

describe('reconciliation', () => {
  test('behavior: log = ledger = ClickHouse; the chain is unknown without one', async () => {
    const path = '/v1/reconciliation';
    const body = await answer<Api.Reconciliation>(path, Api.Reconciliation, api.tokens.operator);
    const others = body.checks.filter(({ name }) => name !== 'settled_log_chain');
    expect(others.filter(({ outcome }) => outcome !== 'equal')).toEqual([]);
    expect(others.length).toBeGreaterThan(8);
    expect(body).toMatchObject({ outcome: 'unknown', lag: 0 });
  });
});

describe('the API itself', () => {
  test('behavior: who am I', async () => {
    const mine = await answer<Api.Session>('/v1/session', Api.Session, own());
    expect(mine).toMatchObject({ role: 'publisher', publisher: 'pub-1' });
    const operator = await answer<Api.Session>('/v1/session', Api.Session, api.tokens.operator);
    expect(operator).toMatchObject({ role: 'operator', publisher: null });
    const all = await answer<Api.Publishers>('/v1/publishers', Api.Publishers, own());
    expect(all.publishers).toEqual([{ id: 'pub-1', hosts: ['docs.example'] }]);
  });

  test('behavior: the newest figures are streamed, at once and after a change', async () => {
    const origin = await api.app.listen({ host: '127.0.0.1', port: 0 });
    const stream = await openLive(`${origin}/v1/publishers/pub-2/live`);
    const first = await stream.next();
    expect([...Value.Errors(Api.Live, first)]).toEqual([]);
    expect(first).toMatchObject({ publisher: 'pub-2', today: { charged: [usdc('70')] } });
    expect(Date.parse(first.at)).toBeGreaterThanOrEqual(startedAtMs);
    const charge = { chargeId: 'c10', publisherId: 'pub-2', amount: '30' };
    await api.append('decisions', 'ChargePosted', Sample.chargePosted(charge));
    let live = await stream.next();
    while (live.today.counts.charges < 2) live = await stream.next();
    expect(live.today.charged).toEqual([usdc('100')]);
    expect(live.recent[0]?.id).toBe('c10');
    await stream.close();
  });

  test('error: request_invalid', async () => {
    for (const query of ['from=yesterday', 'from=2026-02-01&to=2026-01-01', 'by=moon', 'form=x']) {
      const { status, body } = await api.get(`/v1/publishers/pub-1/revenue?${query}`, own());
      expect([status, (body as { code: string }).code]).toEqual([400, 'request_invalid']);
    }
    const { status } = await api.get('/v1/publishers/pub-1/crawls?cursor=%21', own());
    expect(status).toBe(400);
  });

  test('behavior: OpenAPI names every route and refers to nothing that is not there', async () => {
    const { body } = await api.get('/openapi.json');
    const text = JSON.stringify(body);
    const document = body as { openapi: string; paths: object; components: { schemas: object } };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).sort()).toEqual([
      '/v1/accounts/{id}/balance',
      '/v1/crawls/{id}',
      '/v1/dead-letters',
      '/v1/publishers',
      '/v1/publishers/{id}',
      '/v1/publishers/{id}/balance',
      '/v1/publishers/{id}/crawls',
      '/v1/publishers/{id}/live',
      '/v1/publishers/{id}/price-book',
      '/v1/publishers/{id}/revenue',
      '/v1/reconciliation',
      '/v1/session',
      '/v1/settlements',
      '/v1/settlements/{id}',
    ]);
    const references = [...text.matchAll(/"\$ref":"([^"]*)"/g)].map(([, ref]) => ref ?? '');
    expect(references.length).toBeGreaterThan(20);
    const missing = references.filter(
      (ref) => !(ref.replace('#/components/schemas/', '') in document.components.schemas),
    );
    expect([...new Set(missing)]).toEqual([]);
  });

  test('error: route_not_found', async () => {
    expect(await api.get('/')).toMatchObject({ status: 404, body: { code: 'route_not_found' } });
  });
});

/** Server-sent events from a real socket, one after the other. */
async function openLive(url: string): Promise<{ next(): Promise<Api.Live>; close(): unknown }> {
  const headers = { authorization: `Bearer ${api.tokens.operator}` };
  const reader = (await fetch(url, { headers })).body?.getReader();
  let text = '';
  return {
    async next() {
      for (;;) {
        const [whole, data] = /event: revenue\ndata: (.*)\n\n/.exec(text) ?? [];
        if (whole !== undefined && data !== undefined) {
          text = text.slice(text.indexOf(whole) + whole.length);
          return JSON.parse(data) as Api.Live;
        }
        const chunk = await reader?.read();
        if (chunk === undefined || chunk.done) expect.fail('the stream ended');
        text += Buffer.from(chunk.value).toString();
      }
    },
    close: () => reader?.cancel(),
  };
}
