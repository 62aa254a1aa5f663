import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { devnetAssetBook } from '@paycrawl/analytics/config';
import { createAssetBook } from '@paycrawl/analytics/read/asset-book';
import { readRevenue } from '@paycrawl/analytics/read/revenue';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import { migrate } from '@paycrawl/warehouse/migrate';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import {
  type FactsOptions,
  generateRollups,
  month,
  publisherName,
} from './revenue/generate-facts.js';

export interface RevenueQueryFigures {
  readonly facts: number;
  readonly publishers: number;
  /** Facts of the publishers with the most, the median and the fewest. */
  readonly factsOf: { readonly most: number; readonly median: number; readonly fewest: number };
  readonly tables: readonly TableFigures[];
  readonly loadS: number;
  readonly queries: readonly QueryFigure[];
}

/** Roll-ups that the facts became. */
export interface TableFigures {
  readonly table: string;
  readonly rows: number;
  readonly bytesOnDisk: number;
  /** Not merged with each other yet. */
  readonly parts: number;
}

export interface QueryFigure {
  readonly by: (typeof groupings)[number];
  readonly of: 'the largest' | 'any';
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Processor time of one query over all threads: the same on a busy machine. */
  readonly cpuMs: number;
}

const groupings = ['day', 'crawler', 'path'] as const;
const publishersDefault = 500;
const queriesOfEach = 100;
const mergesPatienceMs = 120_000;

/**
 * One publisher's month out of so many facts, read by the very function that the API calls: of the
 * largest publisher, and of others by turns.
 */
export async function benchRevenueQuery(
  options: Partial<FactsOptions> = {},
): Promise<RevenueQueryFigures> {
  const all = { facts: 10_000_000, publishers: publishersDefault, note: () => {}, ...options };
  const { facts, publishers, note } = all;
  const directory = mkdtempSync(join(tmpdir(), 'paycrawl-bench-'));
  const warehouse = await openChdbWarehouse({ directory });
  try {
    await migrate(warehouse);
    const startedMs = performance.now();
    await generateRollups(warehouse, all);
    const loadS = Math.round((performance.now() - startedMs) / 1000);
    note('merges');
    await merged(warehouse);
    const factsOf = await spreadOf(warehouse);
    const tables = await tablesOf(warehouse);
    const queries: QueryFigure[] = [];
    note('queries');
    const any = Array.from({ length: queriesOfEach }, (_, i) => (i * 37) % publishers);
    const largest = any.map(() => 0);
    const challenges = new Map<string, number>();
    for (const by of groupings) {
      queries.push({ by, of: 'the largest', ...(await time(warehouse, by, largest, challenges)) });
      queries.push({ by, of: 'any', ...(await time(warehouse, by, any, challenges)) });
    }
    return { facts, publishers, factsOf, tables, loadS, queries };
  } finally {
    await warehouse.close();
    rmSync(directory, { recursive: true });
  }
}

/** Freshly loaded parts are merged in the background, which is not what is measured. */
async function merged(warehouse: Warehouse): Promise<void> {
  const untilMs = performance.now() + mergesPatienceMs;
  const running = () => warehouse.query('SELECT 1 FROM system.merges LIMIT 1');
  while ((await running()).length > 0 && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function spreadOf(warehouse: Warehouse): Promise<RevenueQueryFigures['factsOf']> {
  const [found] = await warehouse.query<Record<'most' | 'median' | 'fewest', string>>(`
    SELECT toString(max(facts)) AS most, toString(quantileExact(facts)) AS median,
      toString(min(facts)) AS fewest
    FROM (
      SELECT sum(challenged + rejected + accepted + charged + settled) AS facts
      FROM rollup_path_month FINAL GROUP BY publisher)`);
  const { most, median, fewest } = found ?? {};
  return { most: Number(most), median: Number(median), fewest: Number(fewest) };
}

async function tablesOf(warehouse: Warehouse): Promise<TableFigures[]> {
  const found = await warehouse.query<{
    name: string;
    rows: string;
    bytes: string;
    parts: string;
  }>(`
    SELECT table AS name, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts
    FROM system.parts WHERE active AND table LIKE 'rollup%' GROUP BY table ORDER BY table`);
  return found.map(({ name, rows, bytes, parts }) => ({
    table: name,
    rows: Number(rows),
    bytesOnDisk: Number(bytes),
    parts: Number(parts),
  }));
}

/** Whatever a month is read by, its total is the same: `known` holds what others said. */
async function time(
  warehouse: Warehouse,
  by: QueryFigure['by'],
  publishers: readonly number[],
  known: Map<string, number>,
): Promise<Pick<QueryFigure, 'p50Ms' | 'p95Ms' | 'cpuMs'>> {
  const assets = createAssetBook(devnetAssetBook);
  const timesMs: number[] = [];
  const cpuBefore = process.cpuUsage();
  for (const publisher of publishers.map(publisherName)) {
    const startedMs = performance.now();
    const asked = { publisher, by, rowsMax: 200, ...month };
    const { total } = await readRevenue({ warehouse, assets }, asked);
    timesMs.push(performance.now() - startedMs);
    const { challenges, charges } = total.counts;
    const before = known.get(publisher) ?? challenges + charges;
    known.set(publisher, before);
    if (before !== challenges + charges || before === 0) {
      throw fail('bench_failed', `${publisher} by ${by}: ${challenges + charges}, not ${before}`);
    }
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuMs = round((user + system) / 1000 / timesMs.length);
  timesMs.sort((a, b) => a - b);
  const at = (share: number) => timesMs[Math.floor(share * (timesMs.length - 1))] ?? 0;
  return { p50Ms: round(at(0.5)), p95Ms: round(at(0.95)), cpuMs };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
