import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, topicConfigs } from '@paycrawl/events/topics';
import { createFoldInstruments } from '@paycrawl/service-kit/fold-instruments';
import { createLogger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import { startClickHouseServer } from '@paycrawl/testkit/clickhouse-server';
import { openClickHouseWarehouse } from '@paycrawl/warehouse/clickhouse-warehouse';
import { expect, test } from 'vitest';
import { ensureTokens } from './access/tokens.js';
import { devnetAssetBook, loadAnalyticsConfig } from './config.js';
import * as Sample from './projection/events.given.js';
import { startProjection } from './projection/projection.js';
import { startAnalytics } from './service.js';

const logger = createLogger({ service: 'analytics' });
const decisions = { topic: physicalTopic('decisions'), partition: 0 };

async function appendCharges(log: EventLog, from: number, count: number): Promise<void> {
  const producer = log.producer();
  const records = Array.from({ length: count }, (_, index) => {
    const data = Sample.chargePosted({ chargeId: `c${from + index}` });
    const event = { type: 'ChargePosted', id: `e${from + index}`, source: 'test', timeMs: 0, data };
    return { ...decisions, key: 'k', value: encodeEvent(event as AnyEvent) };
  });
  await producer.append(records);
  await producer.close();
}

async function openLog(): Promise<EventLog> {
  const log = createMemoryLog({ clock: Date.now });
  await log.createTopics(topicConfigs({ payer: 2, publisher: 2 }, 1e12));
  return log;
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

test('behavior: ClickHouse away and wrong answers: 503, then everything, once', {
  timeout: 120_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'paycrawl-away-'));
  const server = await startClickHouseServer({ directory: join(directory, 'clickhouse') });
  const warehouse = await openClickHouseWarehouse({ url: server.url, database: 'away' });
  const log = await openLog();
  const { operator } = await ensureTokens(join(directory, 'secrets'), ['pub-1']);
  const analytics = await startAnalytics({
    ...{ log, warehouse, logger, clock: Date.now, assets: devnetAssetBook },
    storeDirectory: join(directory, 'stores'),
    secretsDirectory: join(directory, 'secrets'),
    config: loadAnalyticsConfig({}),
    metrics: createMetrics({ service: 'analytics' }),
    onFatal: (error) => {
      throw error;
    },
  });
  const get = (path: string) =>
    fetch(`${analytics.address}${path}`, { headers: { authorization: `Bearer ${operator}` } });
  const charged = async (): Promise<number> => {
    const [row] = await warehouse.query<{ n: string }>('SELECT count() AS n FROM facts FINAL');
    return Number(row?.n);
  };
  await appendCharges(log, 0, 100);
  while ((await charged()) < 100) await pause();
  expect((await get('/readyz')).status).toBe(200);

  await server.kill9();
  await appendCharges(log, 100, 900);
  const answer = await get('/v1/settlements');
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  expect(await answer.json()).toMatchObject({ code: 'warehouse_unavailable' });
  const readiness = await get('/readyz');
  expect(readiness.status).toBe(503);
  expect(JSON.stringify(await readiness.json())).toContain('"warehouse":{"status":"failing"');
  await server.restart();
  await server.setFault({ kind: 'fail_after_apply', times: 5, insertsOnly: true });

  while ((await charged()) < 1000) await pause();
  while ((await server.counts()).faults < 5) {
    await appendCharges(log, 1000, 0);
    await pause();
  }
  const [totals] = await warehouse.query(
    `SELECT count() AS facts, sum(amount) AS amount FROM facts FINAL`,
  );
  expect(totals).toEqual({ facts: '1000', amount: '1000000' });
  const sum = (table: string) =>
    `SELECT sum(charged) AS charged, sum(toUInt256(charged_amount)) AS amount FROM ${table} FINAL`;
  for (const table of ['rollup_hour', 'rollup_path_day', 'rollup_path_month']) {
    while (
      ((await warehouse.query<{ charged: string }>(sum(table)))[0]?.charged ?? '0') !== '1000'
    ) {
      await pause();
    }
    expect(await warehouse.query(sum(table))).toEqual([{ charged: '1000', amount: '1000000' }]);
  }
  expect((await get('/readyz')).status).toBe(200);
  await analytics.close();
  await warehouse.close();
  await log.close();
  await server.close();
  rmSync(directory, { recursive: true });
});

test('behavior: while it is away records stay in the log, not in memory', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'paycrawl-held-'));
  const log = await openLog();
  const records = 40_000;
  for (let from = 0; from < records; from += 1_000) await appendCharges(log, from, 1_000);
  let given = 0;
  let isAway = true;
  const counting: EventLog = {
    ...log,
    joinGroup: (options) =>
      log.joinGroup({
        ...options,
        onRecords: async (place, batch) => {
          given += batch.length;
          await options.onRecords(place, batch);
        },
      }),
  };
  let refusals = 0;
  const projection = await startProjection({
    ...{ log: counting, logger, clock: Date.now, storeDirectory: directory, onFlushed: () => {} },
    ...{ flushIntervalMs: 1, checkpointIntervalMs: 20, blockOutputsMax: 5_000, engineShareMax: 1 },
    instruments: createFoldInstruments({
      ...{ fold: 'analytics', clock: Date.now },
      metrics: createMetrics({ service: 'analytics' }),
    }),
    warehouse: {
      insert: async () => {
        refusals += 1;
        if (isAway) throw fail('warehouse_unavailable', 'away');
      },
      ...{ query: async () => [], exec: async () => {}, close: async () => {} },
    },
    onFatal: (error) => {
      throw error;
    },
  });
  while (refusals < 3) await pause();
  // 120,000 outputs shared by twelve partitions, what is being written, and the batch in hand.
  expect(given).toBeLessThan(15_000);
  isAway = false;
  while (given < records) await pause();
  await projection.close();
  await log.close();
  rmSync(directory, { recursive: true });
});
