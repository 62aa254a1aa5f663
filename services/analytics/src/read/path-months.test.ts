import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import { migrate, migrationsDirectory } from '@paycrawl/warehouse/migrate';
import { describe, expect, test } from 'vitest';
import { devnetAssetBook } from '../config.js';
import { createAssetBook } from './asset-book.js';
import { wholeMonths } from './path-months.js';
import { readRevenue } from './revenue.js';

describe('whole months of a period', () => {
  const day = (text: string) => Date.parse(text);
  test.each([
    ['2026-01-01', '2026-02-01', ['2026-01-01', '2026-02-01']],
    ['2025-12-31', '2026-03-02', ['2026-01-01', '2026-03-01']],
    ['2024-02-01', '2024-02-29', undefined],
    ['2026-01-02', '2026-03-01', ['2026-02-01', '2026-03-01']],
    ['2026-01-02', '2026-02-28', undefined],
  ])('behavior: %s to %s', (from, to, months) => {
    const period = months && { fromMs: day(months[0] ?? ''), toMs: day(months[1] ?? '') };
    expect(wholeMonths({ fromMs: day(from), toMs: day(to) })).toEqual(period);
  });
});

describe('the migration that brings months', () => {
  test('behavior: a warehouse with data answers later months from them', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'paycrawl-path-months-'));
    const assets = createAssetBook(devnetAssetBook);
    const before = await openChdbWarehouse({ directory: join(directory, 'warehouse') });
    const first = join(directory, 'first');
    mkdirSync(first);
    cpSync(join(migrationsDirectory, '0001_projection.sql'), join(first, '0001_projection.sql'));
    await migrate(before, { directory: first });
    const firstMonth = async () => {
      const sql = 'SELECT toString(month) AS month FROM path_months_begin';
      return (await before.query<{ month: string }>(sql)).map(({ month }) => month);
    };
    // Log time may be ahead of the engine's clock.
    await before.exec(`INSERT INTO rollup_path_day (publisher, day, path, charged)
      VALUES ('pub-1', '2104-01-30', '/a', 3), ('pub-1', '2104-01-31', '/a', 4)`);
    expect(await migrate(before)).toContain(2);
    expect(await firstMonth()).toEqual(['2104-03-01']);
    // The fold goes on in the middle of a month: what it counts from here on is no answer.
    await before.exec(`INSERT INTO rollup_path_month (publisher, month, path, charged)
      VALUES ('pub-1', '2104-01-01', '/a', 1)`);
    const january = { fromMs: Date.UTC(2104, 0, 1), toMs: Date.UTC(2104, 1, 1) };
    const { total } = await readRevenue(
      { warehouse: before, assets },
      { publisher: 'pub-1', by: 'path', rowsMax: 200, ...january },
    );
    expect(total.counts.charges).toBe(7);
    await migrate(before);
    expect(await firstMonth()).toEqual(['2104-03-01']);
    await before.close();
    rmSync(directory, { recursive: true });
  });
});
