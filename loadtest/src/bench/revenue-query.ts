import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { devnetAssetBook } from '@paycrawl/analytics/config';
import { measures, moneyMeasures } from '@paycrawl/analytics/projection/totals';
import { createAssetBook } from '@paycrawl/analytics/read/asset-book';
import { readRevenue } from '@paycrawl/analytics/read/revenue';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import { migrate } from '@paycrawl/warehouse/migrate';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';

export interface RevenueQueryFigures {
  readonly facts: number;
  /** Rows of the roll-ups that the facts became. */
  readonly rollupRows: number;
  readonly loadS: number;
  readonly queries: readonly QueryFigure[];
}

export interface QueryFigure {
  readonly by: 'day' | 'crawler' | 'path';
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Processor time of one query over all threads: the same on a busy machine. */
  readonly cpuMs: number;
}

const publishers = 20;
const roundsCount = 5;
const month = { fromMs: Date.UTC(2026, 0, 1), toMs: Date.UTC(2026, 1, 1) };
const asset = devnetAssetBook[0]?.id ?? '';

/**
 * One publisher's month out of ten million facts: the roll-ups that the projection would have
 * written, made inside the engine; read by the very function that the API calls.
 */
export async function benchRevenueQuery(facts = 10_000_000): Promise<RevenueQueryFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'paycrawl-bench-'));
  const warehouse = await openChdbWarehouse({ directory });
  try {
    await migrate(warehouse);
    const startedMs = performance.now();
    for (let publisher = 0; publisher < publishers; publisher++) {
      await load(warehouse, publisher, Math.floor(facts / publishers));
    }
    await supersede(warehouse);
    await merged(warehouse);
    const loadS = (performance.now() - startedMs) / 1000;
    const [rows] = await warehouse.query<{ rows: string }>(
      `SELECT sum(rows) AS rows FROM system.parts WHERE active AND table LIKE 'rollup%'`,
    );
    const queries: QueryFigure[] = [];
    for (const by of ['day', 'crawler', 'path'] as const) queries.push(await time(warehouse, by));
    return { facts, rollupRows: Number(rows?.rows), loadS: Math.round(loadS), queries };
  } finally {
    await warehouse.close();
    rmSync(directory, { recursive: true });
  }
}

/**
 * 12 crawlers, every fate of a crawl, 8 payer partitions; challenges of a publisher are in one
 * partition, because it is their key. Of 2,000 paths some are asked for more often than others.
 */
const generated = `
  SELECT toDateTime('2026-01-01', 'UTC') + intDiv(number * 2678399, {facts:UInt64}) AS at,
    sipHash64(number, {publisher:UInt32}, 1) AS h1, sipHash64(number, {publisher:UInt32}, 2) AS h2,
    ['challenged', 'challenged', 'challenged', 'accepted', 'charged', 'settled', 'accepted',
     'charged', 'settled', 'rejected'][h1 % 10 + 1] AS measure,
    concat('crawler-', toString(intDiv(h1, 10) % 12)) AS crawler,
    if(measure = 'challenged', '', ['x402-v2-exact', 'x402-v1-exact'][h2 % 2 + 1]) AS dialect,
    intDiv(pow(h2 % 100000, 2), 5000000) AS page,
    concat('/docs/section-', toString(page % 40), '/page-', toString(page)) AS path,
    if(measure = 'challenged', 'challenges.1', 'decisions.1') AS topic,
    if(measure = 'challenged', {publisher:UInt32} % 4, intDiv(h1, 1000) % 8) AS partition,
    1000 + intDiv(h2, 7) % 9000 AS amount, number
  FROM numbers({facts:UInt64})`;

const sums = [
  ...measures.map((measure) => `countIf(measure = '${measure}')`),
  ...moneyMeasures.map((measure) => `sumIf(amount, measure = '${measure}')`),
].join(', ');
const columns = [...measures, ...moneyMeasures.map((measure) => `${measure}_amount`)].join(', ');

async function load(warehouse: Warehouse, publisher: number, facts: number): Promise<void> {
  const from = generated
    .replaceAll('{facts:UInt64}', String(facts))
    .replaceAll('{publisher:UInt32}', String(publisher));
  const key = `'pub-${publisher}' AS publisher`;
  await warehouse.exec(`
    INSERT INTO rollup_hour (publisher, hour, crawler, dialect, asset, source_topic,
      source_partition, version, ${columns})
    SELECT ${key}, toStartOfHour(at) AS hour, crawler, dialect, '${asset}', topic, partition,
      max(number), ${sums}
    FROM (${from}) GROUP BY hour, crawler, dialect, topic, partition`);
  for (const [unit, bucketOf] of [
    ['day', 'toDate(at)'],
    ['month', 'toStartOfMonth(at)'],
  ]) {
    await warehouse.exec(`
      INSERT INTO rollup_path_${unit} (publisher, ${unit}, path, asset, source_topic,
        source_partition, version, ${columns})
      SELECT ${key}, ${bucketOf} AS ${unit}, path, '${asset}', topic, partition, max(number), ${sums}
      FROM (${from}) GROUP BY ${unit}, path, topic, partition`);
  }
}

/** The last buckets as they stand while written: newer versions that are not merged yet. */
async function supersede(warehouse: Warehouse): Promise<void> {
  for (const [table, isLast] of [
    ['rollup_hour', `hour >= toDate('2026-01-31')`],
    ['rollup_path_day', `day >= toDate('2026-01-31')`],
    ['rollup_path_month', `month >= toDate('2026-01-01')`],
  ]) {
    await warehouse.exec(`
      INSERT INTO ${table} SELECT * REPLACE (version + 1 AS version)
      FROM ${table} WHERE ${isLast}`);
  }
}

/** Freshly loaded parts are merged in the background, which is not what is measured. */
async function merged(warehouse: Warehouse): Promise<void> {
  const running = () => warehouse.query('SELECT 1 FROM system.merges LIMIT 1');
  while ((await running()).length > 0) await new Promise((resolve) => setTimeout(resolve, 100));
}

async function time(warehouse: Warehouse, by: QueryFigure['by']): Promise<QueryFigure> {
  const assets = createAssetBook(devnetAssetBook);
  const timesMs: number[] = [];
  const cpuBefore = process.cpuUsage();
  for (let step = 0; step < publishers * roundsCount; step++) {
    const publisher = `pub-${step % publishers}`;
    const startedMs = performance.now();
    await readRevenue({ warehouse, assets }, { publisher, by, rowsMax: 200, ...month });
    timesMs.push(performance.now() - startedMs);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuMs = round((user + system) / 1000 / timesMs.length);
  timesMs.sort((a, b) => a - b);
  const at = (share: number) => timesMs[Math.floor(share * (timesMs.length - 1))] ?? 0;
  return { by, p50Ms: round(at(0.5)), p95Ms: round(at(0.95)), cpuMs };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
