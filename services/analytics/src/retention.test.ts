import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import { migrate } from '@paycrawl/warehouse/migrate';
import { rowText } from '@paycrawl/warehouse/row-text';
import { expect, test } from 'vitest';
import { applyRetention } from './retention.js';

test('behavior: unpaid visits go after their time, everything else stays', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'paycrawl-retention-'));
  const warehouse = await openChdbWarehouse({ directory });
  await migrate(warehouse);
  const dayMs = 86_400_000;
  const fact = (measure: string, ageDays: number, offset: number) => [
    ...['p', Date.now() - ageDays * dayMs, measure, '', '', '/', '', '1', 's', ''],
    ...['challenges.1', 0, offset],
  ];
  const columns = [
    ...['publisher', 'at', 'measure', 'crawler', 'dialect', 'path', 'asset', 'amount'],
    ...['subject', 'code', 'log_topic', 'log_partition', 'log_offset'],
  ];
  // Within one month, so that parts are merged together.
  const rows = ['challenged', 'refused', 'charged'].flatMap((measure, index) => [
    fact(measure, 400, index),
    fact(measure, 0, 10 + index),
  ]);
  await applyRetention(warehouse, 1_000);
  await applyRetention(warehouse, 90);
  await applyRetention(warehouse, 90);
  await warehouse.insert({ table: 'facts', columns, rows: rowText(rows) });
  await warehouse.exec('OPTIMIZE TABLE facts FINAL');
  const left = await warehouse.query(
    'SELECT measure, log_offset AS n FROM facts FINAL ORDER BY log_offset',
  );
  expect(left).toEqual([
    { measure: 'charged', n: '2' },
    { measure: 'challenged', n: '10' },
    { measure: 'refused', n: '11' },
    { measure: 'charged', n: '12' },
  ]);
  const [index] = await warehouse.query<{ sql: string }>(
    `SELECT create_table_query AS sql FROM system.tables WHERE name = 'event_index'`,
  );
  expect(index?.sql).toContain('toIntervalDay(90)');
  await warehouse.close();
  rmSync(directory, { recursive: true });
});
