import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryLog, type MemoryLog } from '@paycrawl/event-log/memory-log';
import type { Cause } from '@paycrawl/events/envelope';
import { type AnyEvent, type EventType, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, type TopicName, topicConfigs } from '@paycrawl/events/topics';
import { createFoldInstruments } from '@paycrawl/service-kit/fold-instruments';
import { createHealth } from '@paycrawl/service-kit/health';
import { createLogger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import { migrate } from '@paycrawl/warehouse/migrate';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import type { FastifyInstance } from 'fastify';
import { type EmbeddedTokens, ensureTokens, loadTokens } from './access/tokens.js';
import { devnetAssetBook } from './config.js';
import { createLiveHub, type LiveHub } from './live/live-hub.js';
import { readLive } from './live/read-live.js';
import { startProjection } from './projection/projection.js';
import { createAssetBook } from './read/asset-book.js';
import type { SettlementChain } from './reconcile/chain-transfers.js';
import { startReconciler } from './reconcile/reconciler.js';
import { followRegistry } from './registry/registry-view.js';
import { createApp } from './routes/app.js';

/** The whole service on a log in memory and a real engine; asked by `inject`. */
export interface TestApi {
  readonly app: FastifyInstance;
  readonly log: MemoryLog;
  readonly warehouse: Warehouse;
  readonly tokens: EmbeddedTokens;
  readonly live: LiveHub;
  /** Appends at `at` and returns the position. */
  append(topic: TopicName, type: EventType, data: unknown, cause?: Cause): Promise<number>;
  /** Resolves when everything appended so far can be read through the API. */
  visible(): Promise<void>;
  get(path: string, token?: string): Promise<{ status: number; body: unknown }>;
  close(): Promise<void>;
}

export const startedAtMs = Date.UTC(2026, 0, 31, 12);

export async function startTestApi(chain?: SettlementChain): Promise<TestApi> {
  const directory = mkdtempSync(join(tmpdir(), 'paycrawl-api-'));
  let nowMs = startedAtMs;
  const clock = () => nowMs++;
  const log = createMemoryLog({ clock });
  await log.createTopics(topicConfigs({ payer: 2, publisher: 2 }, 1e15));
  const warehouse = await openChdbWarehouse({ directory: join(directory, 'warehouse') });
  await migrate(warehouse);
  const logger = createLogger({ service: 'analytics' });
  const secrets = join(directory, 'secrets');
  const tokens = await ensureTokens(secrets, ['pub-1', 'pub-2']);
  const assets = createAssetBook(devnetAssetBook);
  const onError = (error: unknown) => {
    throw error;
  };
  const live = createLiveHub({
    read: (publisher) => readLive({ warehouse, assets }, publisher, clock()),
    ...{ intervalMs: 1, heartbeatMs: 60_000, onError },
  });
  const projection = await startProjection({
    ...{ log, warehouse, logger, clock, storeDirectory: join(directory, 'stores') },
    ...{ flushIntervalMs: 1, checkpointIntervalMs: 10, blockOutputsMax: 1000, engineShareMax: 1 },
    instruments: createFoldInstruments({
      ...{ fold: 'analytics', clock },
      metrics: createMetrics({ service: 'analytics' }),
    }),
    onFlushed: (publishers) => live.changed(publishers),
    onFatal: onError,
  });
  const lag = async () => {
    const all = await projection.progress();
    return all.reduce((sum, one) => sum + one.logNextOffset - one.storedOffset, 0);
  };
  const reconciler = startReconciler({
    ...{ warehouse, chain, clock, lag, onError: () => {} },
    ...{ intervalMs: 3_600_000, patienceMs: 0 },
  });
  const registry = await followRegistry(log, onError);
  const app = await createApp({
    context: {
      ...{ warehouse, log, assets, registry, reconciler, live, clock },
      tokens: loadTokens(secrets),
      consoleDirectory: join(directory, 'console'),
    },
    logger,
    metrics: createMetrics({ service: 'analytics' }),
    health: createHealth(),
  });
  const producer = log.producer();
  return {
    ...{ app, log, warehouse, tokens, live },
    async append(topic, type, data, cause) {
      const event = { type, id: `${topic}-${nowMs}`, source: 'test', timeMs: nowMs, data };
      const value = encodeEvent({
        ...event,
        ...(cause === undefined ? {} : { cause }),
      } as AnyEvent);
      const record = { topic: physicalTopic(topic), partition: 0, key: 'k', value };
      const [appended] = await producer.append([record]);
      return appended?.offset ?? -1;
    },
    async visible() {
      while ((await lag()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    async get(path, token) {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const answer = await app.inject({ method: 'GET', url: path, headers });
      return { status: answer.statusCode, body: answer.json() };
    },
    async close() {
      await app.close();
      await reconciler.close();
      live.close();
      await registry.close();
      await projection.close();
      await producer.close();
      await log.close();
      await warehouse.close();
      rmSync(directory, { recursive: true });
    },
  };
}
