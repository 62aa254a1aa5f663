import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addToBlock, emptyBlock, rowsOfBlock } from '@paycrawl/analytics/projection/block';
import type { EventOutputs } from '@paycrawl/analytics/projection/projection-fold';
import { columnsOf } from '@paycrawl/analytics/projection/rows';
import type { Caused } from '@paycrawl/fold/fold';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import { migrate } from '@paycrawl/warehouse/migrate';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { cpuUsOf, median } from './cpu-per-call.js';

const rounds = 3;

type Outputs = readonly Caused<EventOutputs>[];

/** What one crawl or challenge is to the engine: time, rows, and bytes on disk before merges. */
export interface EngineFigures {
  readonly us: number;
  readonly rows: number;
  readonly bytes: number;
}

/** ClickHouse in this process: all rows of each kind as one block, as a busy platform writes. */
export async function engineFigures(
  [crawls, challenges]: readonly [Outputs, Outputs],
  [crawlsCount, challengesCount]: readonly [number, number],
): Promise<[EngineFigures, EngineFigures]> {
  const directory = mkdtempSync(join(tmpdir(), 'paycrawl-steps-'));
  const warehouse = await openChdbWarehouse({ directory });
  try {
    await migrate(warehouse);
    return [
      await figuresOf(warehouse, crawls, crawlsCount),
      await figuresOf(warehouse, challenges, challengesCount),
    ];
  } finally {
    await warehouse.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function figuresOf(warehouse: Warehouse, outputs: Outputs, count: number) {
  const before = await stored(warehouse);
  await insert(warehouse, outputs);
  const after = await stored(warehouse);
  const us: number[] = [];
  for (let round = 0; round < rounds; round++) us.push(await insert(warehouse, outputs));
  return {
    us: median(us) / count,
    rows: (after.rows - before.rows) / count,
    bytes: (after.bytes - before.bytes) / count,
  };
}

async function insert(warehouse: Warehouse, outputs: readonly Caused<EventOutputs>[]) {
  const block = emptyBlock();
  for (const output of outputs) addToBlock(block, output);
  const texts = rowsOfBlock(block);
  return cpuUsOf(async () => {
    for (const [table, rows] of texts) {
      await warehouse.insert({ table, columns: columnsOf[table], rows });
    }
  });
}

async function stored(warehouse: Warehouse): Promise<{ rows: number; bytes: number }> {
  const [parts] = await warehouse.query<{ rows: string; bytes: string }>(
    `SELECT sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts
     WHERE active AND database = currentDatabase() AND table != 'schema_migrations'`,
  );
  return { rows: Number(parts?.rows), bytes: Number(parts?.bytes) };
}
