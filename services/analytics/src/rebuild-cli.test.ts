import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { topicConfigs } from '@paycrawl/events/topics';
import { createFoldInstruments } from '@paycrawl/service-kit/fold-instruments';
import { createLogger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import { migrate } from '@paycrawl/warehouse/migrate';
import { afterAll, expect, test } from 'vitest';
import { startProjection } from './projection/projection.js';
import { tables } from './projection/rows.js';
import { caughtUp, contentsOf, history } from './rebuild/rebuild.given.js';

// The command as operators run it: on threads of its own, over the log and the engine of a folder.

const partitions = 2;
const dataDir = mkdtempSync(join(tmpdir(), 'paycrawl-rebuild-cli-'));
afterAll(() => rmSync(dataDir, { recursive: true }));

const command = fileURLToPath(new URL('../dist/rebuild-cli.js', import.meta.url));

function rebuild(): Promise<{ stdout: string }> {
  const env = { ...process.env, DATA_DIR: dataDir };
  return promisify(execFile)(process.execPath, [command], { env });
}

/** Appends crawls, projects them, and returns every table. */
async function project(crawls: readonly number[]): Promise<unknown> {
  const log = openLmdbLog({ directory: join(dataDir, 'log') });
  await log.createTopics(topicConfigs({ payer: partitions, publisher: partitions }, 1e12));
  const producer = log.producer();
  for (const crawl of crawls) await producer.append(history(crawl, partitions));
  await producer.close();
  const warehouse = await openChdbWarehouse({ directory: join(dataDir, 'warehouse') });
  await migrate(warehouse);
  const metrics = createMetrics({ service: 'analytics' });
  const projection = await startProjection({
    ...{ log, warehouse, clock: Date.now, onFlushed: () => {} },
    logger: createLogger({ service: 'analytics' }),
    instruments: createFoldInstruments({ fold: 'analytics', clock: Date.now, metrics }),
    storeDirectory: join(dataDir, 'stores', 'analytics'),
    ...{ flushIntervalMs: 5, checkpointIntervalMs: 20, blockOutputsMax: 500, engineShareMax: 1 },
    onFatal: (error) => {
      throw error;
    },
  });
  await caughtUp(projection);
  await projection.close();
  const contents = await contentsOf(warehouse);
  await warehouse.close();
  await log.close();
  return contents;
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test('behavior: rebuilt on several threads, every row is as it was, and the projection goes on', {
  timeout: 120_000,
}, async () => {
  const before = await project(numbers(0, 200));
  const { stdout } = await rebuild();
  for (const table of tables) {
    expect(stdout).toMatch(new RegExp(`^${table}: \\d+ rows compared, 0 missing, 0 surplus$`, 'm'));
  }
  expect(await project([])).toEqual(before);
  await project(numbers(200, 230));
  const again = await rebuild();
  expect(again.stdout).not.toMatch(/[1-9]\d* (missing|surplus)/);
});
