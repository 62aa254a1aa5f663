import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { physicalTopic, topicConfigs } from '@paycrawl/events/topics';
import { createFoldInstruments } from '@paycrawl/service-kit/fold-instruments';
import { createLogger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import { type ClickHouseServer, startClickHouseServer } from '@paycrawl/testkit/clickhouse-server';
import { openClickHouseWarehouse } from '@paycrawl/warehouse/clickhouse-warehouse';
import { migrate } from '@paycrawl/warehouse/migrate';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Projection, startProjection } from '../projection/projection.js';
import { caughtUp, contentsOf, history } from './rebuild.given.js';
import { type RebuildOptions, type RebuildStep, rebuildProjection } from './rebuild.js';

const partitions = 2;
const directory = mkdtempSync(join(tmpdir(), 'paycrawl-rebuild-'));
const logger = createLogger({ service: 'analytics' });
let server: ClickHouseServer;
let databases = 0;

beforeAll(async () => {
  server = await startClickHouseServer({ directory: join(directory, 'clickhouse') });
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

/** A log, a database and a projection from one to the other. */
interface World {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  readonly stores: string;
  append(count: number): Promise<void>;
  start(log?: EventLog): Promise<Projection>;
  rebuild(options?: Partial<RebuildOptions>): ReturnType<typeof rebuildProjection>;
  /** Every table as readers see it. */
  contents(): Promise<unknown>;
  /** The same, projected from the log by nobody else and once. */
  control(): Promise<unknown>;
  close(): Promise<void>;
}

function openDatabase(): Promise<Warehouse> {
  databases += 1;
  const database = `rebuild_${databases}`;
  return openClickHouseWarehouse({ url: server.url, database });
}

async function startWorld(): Promise<World> {
  const log = createMemoryLog({ clock: Date.now });
  await log.createTopics(topicConfigs({ payer: partitions, publisher: partitions }, 1e12));
  const warehouse = await openDatabase();
  await migrate(warehouse);
  const stores = join(directory, `stores-${databases}`);
  const producer = log.producer();
  let appended = 0;
  const project = (options: { log: EventLog; warehouse: Warehouse; storeDirectory: string }) =>
    startProjection({
      ...{ ...options, logger, clock: Date.now, onFlushed: () => {} },
      instruments: createFoldInstruments({
        ...{ fold: 'analytics', clock: Date.now },
        metrics: createMetrics({ service: 'analytics' }),
      }),
      ...{ flushIntervalMs: 5, checkpointIntervalMs: 20, blockOutputsMax: 500, engineShareMax: 1 },
      onFatal: (error) => {
        throw error;
      },
    });
  return {
    ...{ log, warehouse, stores },
    async append(count) {
      for (let index = 0; index < count; index += 1) {
        await producer.append(history(appended, partitions));
        appended += 1;
      }
    },
    start: (of = log) => project({ log: of, warehouse, storeDirectory: stores }),
    rebuild: (options = {}) =>
      rebuildProjection({
        ...{ log, warehouse, clock: Date.now },
        workDirectory: `${stores}.rebuild`,
        ...options,
      }),
    contents: () => contentsOf(warehouse),
    async control() {
      const other = await openDatabase();
      await migrate(other);
      const storeDirectory = join(directory, `control-${databases}`);
      const projection = await project({ log, warehouse: other, storeDirectory });
      await caughtUp(projection);
      await projection.close();
      const contents = await contentsOf(other);
      await other.close();
      return contents;
    },
    async close() {
      await producer.close();
      await warehouse.close();
      await log.close();
    },
  };
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? error,
  );
}

const charged = "SELECT count() AS n FROM facts FINAL WHERE measure = 'charged'";

describe('rebuilding the projection', { timeout: 240_000 }, () => {
  test('behavior: beside a projection that runs, under appends, while it is read', async () => {
    const world = await startWorld();
    await world.append(300);
    const projection = await world.start();
    let isOver = false;
    const appending = (async () => {
      while (!isOver) {
        await world.append(3);
        // The log in memory never leaves the turn of the event loop.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    const reads: number[] = [];
    const reading = (async () => {
      while (!isOver) {
        const [row] = await world.warehouse.query<{ n: string }>(charged);
        reads.push(Number(row?.n));
        // A reader, not a flood: the rebuild needs the engine too.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    const steps: RebuildStep[] = [];
    const appendedWhile = async (step: RebuildStep) => {
      steps.push(step);
      // Records that only the old tables get, unless the rebuild comes after them.
      await world.append(20);
    };
    const report = await world.rebuild({ onStep: appendedWhile });
    isOver = true;
    await Promise.all([appending, reading]);
    await world.append(50);
    await caughtUp(projection);
    await projection.close();
    expect(steps).toEqual(['locked', 'refolded', 'compared', 'swapped', 'caught_up', 'dropped']);
    expect(report.records).toBeGreaterThan(300 * 3);
    expect(report.comparisons.find(({ table }) => table === 'facts')?.rows).toBeGreaterThan(400);
    expect(await world.contents()).toEqual(await world.control());
    // Every question was answered, and the answer was never an empty or a half-built table.
    expect(reads.length).toBeGreaterThan(10);
    const built = reads.findIndex((count) => count >= 200);
    expect(Math.min(...reads.slice(built))).toBeGreaterThanOrEqual(200);
    const left = `SELECT name FROM system.tables WHERE database = currentDatabase()
      AND (name LIKE '%rebuild')`;
    expect(await world.warehouse.query(left)).toEqual([]);
    await world.close();
  });

  test('error: warehouse_rebuild_differs; accepted, the damage is gone', async () => {
    const world = await startWorld();
    await world.append(60);
    const projection = await world.start();
    await caughtUp(projection);
    const before = await world.contents();
    await world.warehouse.exec(
      `ALTER TABLE facts DELETE WHERE subject = 'c8' SETTINGS mutations_sync = 2`,
    );
    await world.warehouse.exec(
      `ALTER TABLE rollup_hour UPDATE charged = charged + 1 WHERE 1 SETTINGS mutations_sync = 2`,
    );
    const damaged = await world.contents();
    expect(damaged).not.toEqual(before);
    const error = await world.rebuild({ patienceMs: 0 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'warehouse_rebuild_differs' });
    expect(String(error)).toMatch(/facts: 0 missing, [23] surplus; rollup_hour: \d+ missing/);
    expect(await world.contents()).toEqual(damaged);
    await world.rebuild({ patienceMs: 0, acceptDifferences: true });
    await projection.close();
    expect(await world.contents()).toEqual(before);
    await world.close();
  });

  test('behavior: months that are read from the days need not be told in full', async () => {
    const world = await startWorld();
    await world.append(20);
    const projection = await world.start();
    await caughtUp(projection);
    await projection.close();
    await world.warehouse.exec('TRUNCATE TABLE rollup_path_month');
    const code = () => codeOf(world.rebuild({ patienceMs: 0 }));
    expect(await code()).toBe('warehouse_rebuild_differs');
    await world.warehouse.exec('TRUNCATE TABLE path_months_begin');
    await world.rebuild({ patienceMs: 0 });
    await world.close();
  });

  test('behavior: killed at each step, begun again: the same', async () => {
    const world = await startWorld();
    await world.append(40);
    for (const killedAt of ['refolded', 'swapped', 'caught_up'] as const) {
      const projection = await world.start();
      await world.append(10);
      // It never comes back, and nothing of it is tidied up.
      let isThere = (): void => {};
      const reached = new Promise<void>((resolve) => {
        isThere = resolve;
      });
      const stuck = new Promise<void>(() => {});
      void world.rebuild({
        workDirectory: join(directory, `killed-${killedAt}`),
        onStep: (step) => {
          if (step !== killedAt) return undefined;
          isThere();
          return stuck;
        },
      });
      await reached;
      await world.append(10);
      expect(await codeOf(world.rebuild())).toBe('warehouse_rebuild_impossible');
      // After a kill in the swap the newest rows may be missing: nobody vouches for the old ones.
      await world.rebuild({ isForced: true, acceptDifferences: true });
      await caughtUp(projection);
      await projection.close();
      expect(await world.contents()).toEqual(await world.control());
    }
    await world.close();
  });

  test('behavior: what the log has forgotten is carried over', async () => {
    const world = await startWorld();
    await world.append(80);
    const projection = await world.start();
    await caughtUp(projection);
    const forgetful: EventLog = {
      ...world.log,
      offsets: async (place) => {
        const offsets = await world.log.offsets(place);
        const isForgotten = place.topic === physicalTopic('challenges') && place.partition === 0;
        return isForgotten ? { ...offsets, earliest: 30 } : offsets;
      },
    };
    const report = await world.rebuild({
      log: forgetful,
      onStep: async () => world.append(5),
    });
    expect(report.carried).toEqual([`${physicalTopic('challenges')}/0`]);
    await caughtUp(projection);
    await projection.close();
    expect(await world.contents()).toEqual(await world.control());
    await world.close();
  });

  test('error: warehouse_rebuild_impossible when the log is another one, or lost what it keeps for ever', async () => {
    const world = await startWorld();
    await world.append(3);
    const projection = await world.start();
    await caughtUp(projection);
    await projection.close();
    const empty = createMemoryLog({ clock: Date.now });
    expect(await codeOf(world.rebuild({ log: empty }))).toBe('warehouse_rebuild_impossible');
    await empty.createTopics(topicConfigs({ payer: partitions, publisher: partitions }, 1e12));
    expect(await codeOf(world.rebuild({ log: empty }))).toBe('warehouse_rebuild_impossible');
    const lossy = { ...world.log, offsets: async () => ({ earliest: 1, next: 3 }) };
    expect(await codeOf(world.rebuild({ log: lossy }))).toBe('warehouse_rebuild_impossible');
    await world.close();
  });

  test('behavior: with the projection stopped its stores are replaced, and it goes on', async () => {
    const world = await startWorld();
    await world.append(50);
    const before = await world.start();
    await caughtUp(before);
    await before.close();
    await world.append(50);
    // As after a change of the rules: neither tables nor stores are right any more.
    await world.warehouse.exec('TRUNCATE TABLE log_totals');
    const options = { replaceStores: world.stores, acceptDifferences: true };
    await world.rebuild(options);
    await world.append(50);
    const after = await world.start();
    await caughtUp(after);
    await after.close();
    expect(await world.contents()).toEqual(await world.control());
    await world.close();
  });
});
