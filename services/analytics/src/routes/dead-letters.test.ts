import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, topicConfigs } from '@paycrawl/events/topics';
import { createHealth } from '@paycrawl/service-kit/health';
import { createLogger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import { Value } from '@sinclair/typebox/value';
import type { FastifyInstance } from 'fastify';
import { beforeAll, expect, test } from 'vitest';
import type { Principal } from '../access/tokens.js';
import { deadLetterRecordsMax, readDeadLetters } from '../read/dead-letters.js';
import { createApp } from './app.js';
import type { ApiContext } from './context.js';
import { DeadLetters } from './dead-letter-types.js';

const letters = { topic: physicalTopic('dead-letters'), partition: 0 };

interface Poison {
  readonly topic: string;
  readonly offset: number;
  readonly code: string;
  readonly consumer?: string;
  readonly value?: Buffer;
}

function deadLettered(poison: Poison, atMs: number): Buffer {
  const { topic, offset, code, consumer = 'verifier', value = Buffer.from('poison') } = poison;
  const data = { topic, partition: 0, offset, code, consumer, detail: 'not JSON', key: 'k' };
  return encodeEvent({
    ...{ type: 'RecordDeadLettered', id: `${consumer}-${topic}-${offset}`, source: 'test' },
    ...{ timeMs: atMs, data: { ...data, valueBase64: value.toString('base64') } },
  });
}

function redriven(offset: number, newOffset: number): Buffer {
  const place = { topic: 'payments.1', partition: 0, offset, newOffset };
  const data = { ...place, operator: 'ada', reason: 'read by this version' };
  return encodeEvent({ type: 'RecordRedriven', id: 'r', source: 'o', timeMs: 1, data });
}

const startMs = Date.UTC(2026, 0, 31, 12);
const log = createMemoryLog({ clock: () => startMs });
let app: FastifyInstance;

/** Only what this route uses: it must work where neither projection nor ClickHouse does. */
async function appOn(principalOf: () => Principal | undefined): Promise<FastifyInstance> {
  const context = { log, tokens: { principalOf }, consoleDirectory: '/nowhere' };
  return createApp({
    context: context as unknown as ApiContext,
    logger: createLogger({ service: 'analytics' }),
    metrics: createMetrics({ service: 'analytics' }),
    health: createHealth(),
  });
}

async function write(values: readonly Buffer[]): Promise<void> {
  const producer = log.producer();
  await producer.append(values.map((value) => ({ ...letters, key: 'k', value })));
  await producer.close();
}

beforeAll(async () => {
  await log.createTopics(topicConfigs({ payer: 1, publisher: 1 }, 1e15));
  app = await appOn(() => ({ role: 'operator' }) as Principal);
  const long = Buffer.alloc(5_000, 0xff);
  await write([
    deadLettered({ topic: 'payments.1', offset: 4, code: 'record_unreadable' }, startMs),
    deadLettered({ topic: 'decisions.1', offset: 9, code: 'event_invalid' }, startMs + 1),
    // The same record, set aside by another one too, and said twice.
    ...['analytics', 'analytics'].map((consumer) =>
      deadLettered(
        { topic: 'payments.1', offset: 4, code: 'record_unreadable', consumer },
        startMs + 2,
      ),
    ),
    deadLettered(
      { topic: 'payments.1', offset: 5, code: 'record_unreadable', value: long },
      startMs + 3,
    ),
    deadLettered({ topic: 'payments.1', offset: 6, code: 'event_invalid' }, startMs + 3),
    redriven(4, 77),
    Buffer.from('no event at all'),
  ]);
});

async function get(query: string): Promise<DeadLetters> {
  const answer = await app.inject({ url: `/v1/dead-letters${query}` });
  expect([answer.statusCode, [...Value.Errors(DeadLetters, answer.json())]]).toEqual([200, []]);
  return answer.json();
}

const positions = ({ deadLetters }: DeadLetters) => deadLetters.map(({ position }) => position);

test('behavior: newest first, each record once, with bytes, consumers and where it is now', async () => {
  const all = await get('');
  expect(positions(all)).toEqual([
    ...['payments.1/0/6', 'payments.1/0/5', 'decisions.1/0/9'],
    ...['payments.1/0/4', `${letters.topic}/0/7`],
  ]);
  expect(all).toMatchObject({ next: null, isWhole: true });
  expect(all.deadLetters[3]).toEqual({
    ...{ position: 'payments.1/0/4', topic: 'payments.1', partition: 0, offset: 4 },
    ...{ at: '2026-01-31T12:00:00.000Z', code: 'record_unreadable', detail: 'not JSON' },
    ...{ consumers: ['analytics', 'verifier'], key: 'k', newOffset: 77 },
    ...{ valueBytes: 6, valueBase64: Buffer.from('poison').toString('base64') },
  });
  const long = all.deadLetters[1];
  expect(long?.valueBytes).toBe(5_000);
  expect(Buffer.from(long?.valueBase64 ?? '', 'base64')).toHaveLength(1_024);
});

test('behavior: by topic, with and without generation, and by code', async () => {
  const payments = ['payments.1/0/6', 'payments.1/0/5', 'payments.1/0/4'];
  expect(positions(await get('?topic=payments'))).toEqual(payments);
  expect(positions(await get('?topic=payments.1'))).toEqual(payments);
  expect(positions(await get('?topic=pay'))).toEqual([]);
  expect(positions(await get('?code=event_invalid'))).toEqual([
    'payments.1/0/6',
    'decisions.1/0/9',
  ]);
  expect(positions(await get('?topic=decisions&code=record_unreadable'))).toEqual([]);
});

test('behavior: page by page, nothing twice, nothing left out', async () => {
  for (const limit of [1, 2, 4]) {
    const seen: string[] = [];
    let cursor = '';
    do {
      const page: DeadLetters = await get(`?limit=${limit}${cursor}`);
      seen.push(...positions(page));
      cursor = page.next === null ? '' : `&cursor=${page.next}`;
    } while (cursor !== '');
    expect(seen).toEqual(positions(await get('')));
  }
});

test('error: forbidden, token_invalid, request_invalid', async () => {
  const codeOf = async (asked: FastifyInstance, query = '') =>
    (await asked.inject({ url: `/v1/dead-letters${query}` })).json().code;
  const publisher = { role: 'publisher', publisher: 'pub-1' } as Principal;
  expect(await codeOf(await appOn(() => publisher))).toBe('forbidden');
  expect(await codeOf(await appOn(() => undefined))).toBe('token_invalid');
  for (const query of ['?limit=0', '?limit=201', '?since=1', '?cursor=!']) {
    expect([query, await codeOf(app, query)]).toEqual([query, 'request_invalid']);
  }
});

test('behavior: a flood is looked through from its end, and the answer says so', async () => {
  const flood = createMemoryLog({ clock: () => startMs });
  await flood.createTopics(topicConfigs({ payer: 1, publisher: 1 }, 1e15));
  const producer = flood.producer();
  const count = deadLetterRecordsMax + 1;
  const value = deadLettered({ topic: 'payments.1', offset: 1, code: 'event_invalid' }, startMs);
  const first = deadLettered({ topic: 'payments.1', offset: 0, code: 'event_invalid' }, startMs);
  const values = [first, ...Array.from({ length: count - 1 }, () => value)];
  await producer.append(values.map((one) => ({ ...letters, key: 'k', value: one })));
  const found = await readDeadLetters(flood, { limit: 10 });
  expect([positions(found), found.isWhole]).toEqual([['payments.1/0/1'], false]);
  await flood.close();
});
