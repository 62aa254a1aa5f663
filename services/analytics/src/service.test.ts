import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { type AnyEvent, type EventType, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, type TopicName, topicConfigs } from '@paycrawl/events/topics';
import { createLogger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmbeddedTokens, ensureTokens } from './access/tokens.js';
import { devnetAssetBook, loadAnalyticsConfig } from './config.js';
import * as Sample from './projection/events.given.js';
import type { Revenue } from './routes/api-types.js';
import { type Analytics, startAnalytics } from './service.js';

const directory = mkdtempSync(join(tmpdir(), 'paycrawl-analytics-'));
const consoleDirectory = join(directory, 'console');
let log: EventLog;
let tokens: EmbeddedTokens;

beforeAll(async () => {
  log = openLmdbLog({ directory: join(directory, 'log') });
  await log.createTopics(topicConfigs({ payer: 2, publisher: 2 }, 86_400_000));
  tokens = await ensureTokens(join(directory, 'secrets'), ['pub-1']);
  mkdirSync(join(consoleDirectory, 'assets'), { recursive: true });
  writeFileSync(join(consoleDirectory, 'index.html'), '<title>console</title>');
  writeFileSync(join(consoleDirectory, 'assets', 'main-1a2b.js'), 'export {}');
});
afterAll(async () => {
  await log.close();
  rmSync(directory, { recursive: true });
});

/** Starts the service on the same folders again and again. */
async function running<T>(use: (analytics: Analytics) => Promise<T>): Promise<T> {
  const warehouse = await openChdbWarehouse({ directory: join(directory, 'warehouse') });
  const analytics = await startAnalytics({
    ...{ log, warehouse, consoleDirectory, clock: Date.now },
    storeDirectory: join(directory, 'stores'),
    secretsDirectory: join(directory, 'secrets'),
    assets: devnetAssetBook,
    config: loadAnalyticsConfig({}),
    logger: createLogger({ service: 'analytics' }),
    metrics: createMetrics({ service: 'analytics' }),
    onFatal: (error) => {
      throw error;
    },
  });
  try {
    return await use(analytics);
  } finally {
    await analytics.close();
    await warehouse.close();
  }
}

async function append(topic: TopicName, partition: number, events: [EventType, unknown][]) {
  const producer = log.producer();
  await producer.append(
    events.map(([type, data], index) => {
      const id = `${topic}-${partition}-${index}`;
      const event = { type, id, source: 'test', timeMs: 0, data } as AnyEvent;
      const value = encodeEvent(event);
      return { topic: physicalTopic(topic), partition, key: 'k', value };
    }),
  );
  await producer.close();
}

function charges(from: number, count: number): [EventType, unknown][] {
  return Array.from({ length: count }, (_, index) => [
    'ChargePosted',
    Sample.chargePosted({ chargeId: `c${from + index}` }),
  ]);
}

async function revenue(address: string): Promise<Revenue> {
  const response = await fetch(`${address}/v1/publishers/pub-1/revenue?by=hour`, {
    headers: { authorization: `Bearer ${tokens.publishers['pub-1']}` },
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Revenue;
}

/** Asks until the figure is there. How soon that is, the bench says: a test machine may be busy. */
async function visible(address: string, count: number): Promise<void> {
  while ((await revenue(address)).total.counts.charges < count) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('analytics as a whole', () => {
  test('behavior: what is appended becomes visible; the same numbers after a restart', async () => {
    const where = { network: Sample.network, asset: Sample.token, payTo: Sample.payTo };
    const site = { publisherId: 'pub-1', name: 'Docs', hosts: ['docs.example'], ...where };
    await append('registry', 0, [['PublisherRegistered', { ...site, origin: 'http://o' }]]);
    const before = await running(async ({ address }) => {
      await append('decisions', 0, charges(0, 300));
      await append('decisions', 1, charges(300, 200));
      await visible(address, 500);
      return (await revenue(address)).total;
    });
    expect(before.charged[0]?.amount).toBe('500000');
    // Written while nobody projects; what was there is not counted again.
    await append('decisions', 0, charges(500, 50));
    await running(async ({ address }) => {
      await visible(address, 550);
      const { total } = await revenue(address);
      expect(total.counts.charges).toBe(550);
      expect(total.charged[0]?.amount).toBe('550000');
    });
  });

  test('behavior: probes, metrics, console pages and their files', async () => {
    await running(async ({ address }) => {
      const get = async (path: string) => {
        const response = await fetch(`${address}${path}`);
        return { response, text: await response.text() };
      };
      expect((await get('/readyz')).response.status).toBe(200);
      expect((await get('/livez')).response.status).toBe(200);
      expect((await get('/metrics')).text).toContain(
        'TYPE paycrawl_reconciliation_differences gauge',
      );
      for (const page of ['/', '/crawls/c1', '/settlements']) {
        const { response, text } = await get(page);
        expect([page, text]).toEqual([page, '<title>console</title>']);
        expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
        expect(response.headers.get('cache-control')).toBe('no-cache');
      }
      const asset = await get('/assets/main-1a2b.js');
      expect(asset.response.headers.get('cache-control')).toContain('immutable');
      expect((await get('/assets/gone.js')).response.status).toBe(404);
      expect((await get('/../secrets/tokens.json')).response.status).toBe(404);
    });
  });
});
