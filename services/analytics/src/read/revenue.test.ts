import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { createPartition } from '@paycrawl/fold/partition';
import { createMemoryStore } from '@paycrawl/fold/store';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import { migrate } from '@paycrawl/warehouse/migrate';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { devnetAssetBook } from '../config.js';
import { addToBlock, emptyBlock, rowsOfBlock } from '../projection/block.js';
import { challengesFold } from '../projection/challenges-fold.js';
import { decisionsFold } from '../projection/decisions-fold.js';
import * as Sample from '../projection/events.given.js';
import type { EventOutputs } from '../projection/projection-fold.js';
import { columnsOf } from '../projection/rows.js';
import { dayMs } from '../projection/totals.js';
import { readFigures } from '../reconcile/figures.js';
import { createAssetBook } from './asset-book.js';
import { wholeMonths } from './path-months.js';
import type { Period } from './period.js';
import { type RevenueRequest, readRevenue, revenueQuery } from './revenue.js';

const assets = createAssetBook(devnetAssetBook);
const directory = mkdtempSync(join(tmpdir(), 'paycrawl-revenue-'));
const begin = Date.UTC(2025, 10, 20);
const days = 140;
let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = await openChdbWarehouse({ directory });
  await migrate(warehouse);
  await project(0, days);
});
afterAll(async () => {
  await warehouse.close();
  rmSync(directory, { recursive: true });
});

/** Two visits a day, one of them paid, from two source topics; stores are those of one owner. */
const stores = { challenges: createMemoryStore(), decisions: createMemoryStore() };

async function project(fromDay: number, toDay: number): Promise<void> {
  const block = emptyBlock();
  for (const [topic, fold] of [
    ['challenges', challengesFold],
    ['decisions', decisionsFold],
  ] as const) {
    const owner = createPartition<EventOutputs>({
      ...{ fold, partition: 0, store: stores[topic], onBroken: () => {}, deadLetter: () => [] },
      sink: {
        write: async (outputs) => {
          for (const one of outputs) addToBlock(block, one);
        },
        close: async () => {},
      },
    });
    const records = Array.from({ length: toDay - fromDay }, (_, index) => {
      const day = fromDay + index;
      const seen = { path: `/${day % 11}`, crawler: `bot-${day % 3}` };
      const issued = Sample.challengeIssued({ ...seen, challengeId: `q${day}` });
      const posted = Sample.chargePosted({ ...seen, chargeId: `c${day}` });
      const event = { id: `${topic}-${day}`, source: 'test', timeMs: 0 };
      const what =
        topic === 'challenges'
          ? { type: 'ChallengeIssued', data: issued }
          : { type: 'ChargePosted', data: posted };
      return {
        ...{ topic: `${topic}.1`, partition: 0, offset: day, key: 'k' },
        timestampMs: begin + day * dayMs + (day % 24) * 3_600_000,
        value: encodeEvent({ ...event, ...what } as AnyEvent),
      };
    });
    await owner.fold(records);
    await owner.drained();
    await owner.checkpoint();
  }
  for (const [table, rows] of rowsOfBlock(block)) {
    await warehouse.insert({ table, columns: columnsOf[table], rows });
  }
}

const ask = (period: Period): RevenueRequest => ({
  ...{ publisher: 'pub-1', by: 'path', rowsMax: 200, ...period },
});
const byPath = (
  period: Period, // Another reader each time: the first month is asked for once.
) => readRevenue({ warehouse: { ...warehouse }, assets }, ask(period));

/** What the figures must be, from the days alone. */
async function byDays({ fromMs, toMs }: Period) {
  const inDays = `day >= toDate(${fromMs / 1000}) AND day < toDate(${toMs / 1000})`;
  const rows = await warehouse.query<{ key: string; challenges: number; charges: number }>(
    `SELECT path AS key, toInt32(sum(challenged)) AS challenges, toInt32(sum(charged)) AS charges
     FROM rollup_path_day FINAL WHERE publisher = 'pub-1' AND ${inDays}
     GROUP BY path ORDER BY path`,
  );
  return rows;
}

async function figuresOf(period: Period) {
  const { rows, total } = await byPath(period);
  const figures = rows.map(({ key, totals }) => ({
    ...{ key, challenges: totals.counts.challenges, charges: totals.counts.charges },
  }));
  const sum = figures.reduce((all, { charges }) => all + charges, 0);
  expect(total.counts.charges).toBe(sum);
  return figures.sort((a, b) => (a.key < b.key ? -1 : 1));
}

const at = (month: number, day: number) => Date.UTC(2026, month - 1, day);

describe('revenue by path', () => {
  test('behavior: ragged edges and whole months are the sum of the days', async () => {
    const period = { fromMs: at(0, 25), toMs: at(3, 10) };
    expect(wholeMonths(period)).toEqual({ fromMs: at(1, 1), toMs: at(3, 1) });
    expect(await figuresOf(period)).toEqual(await byDays(period));
  });

  test('behavior: whole months are read from their own totals alone', () => {
    const period = { fromMs: at(1, 1), toMs: at(3, 1) };
    expect(revenueQuery(ask(period), period).sql).not.toContain('rollup_path_day');
    const ragged = { ...period, toMs: at(3, 2) };
    expect(revenueQuery(ask(ragged), period).sql).toContain('rollup_path_day');
  });

  test('property: any period is the sum of its days, from any first month on', async () => {
    const day = fc.integer({ min: -40, max: days + 40 });
    const first = fc.constantFrom('1970-01-01', '2026-01-01', '2026-02-01', '2149-06-06');
    const property = fc.asyncProperty(day, day, first, async (a, b, month) => {
      await monthsBegin(month);
      const fromMs = begin + Math.min(a, b) * dayMs;
      const period = { fromMs, toMs: begin + (Math.max(a, b) + 1) * dayMs };
      expect(await figuresOf(period)).toEqual(await byDays(period));
    });
    await fc.assert(property, { numRuns: 25 });
    await monthsBegin('1970-01-01');
  });

  async function monthsBegin(month: string | undefined): Promise<void> {
    await warehouse.exec('TRUNCATE TABLE path_months_begin');
    if (month !== undefined) {
      await warehouse.exec(`INSERT INTO path_months_begin VALUES (toDate('${month}'))`);
    }
  }

  test('behavior: what months do not tell in full comes from the days', async () => {
    const period = { fromMs: at(0, 1), toMs: at(4, 1) };
    const right = await byDays(period);
    await warehouse.exec(`ALTER TABLE rollup_path_month DELETE WHERE month < toDate('2026-02-01')
      SETTINGS mutations_sync = 2`);
    expect(await figuresOf(period)).not.toEqual(right);
    for (const month of ['2026-02-01', undefined]) {
      await monthsBegin(month);
      expect(await figuresOf(period)).toEqual(right);
      const { log, pathDays, pathMonths } = await readFigures(warehouse, false);
      const charged = (sums: typeof log) =>
        sums.filter(({ measure, events }) => measure === 'charged' && events > 0n);
      expect(charged(pathMonths)).toEqual(charged(log));
      expect(charged(pathDays)).toEqual(charged(log));
    }
  });
});
