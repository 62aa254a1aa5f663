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
import type { Step } from './budget.js';
import { cpuUsOf, median } from './cpu-per-call.js';

const rounds = 3;

export interface EngineFigures {
  readonly step: Step;
  /** What a crawl leaves in the engine: rows, and compressed bytes of all tables. */
  readonly rowsPerCrawl: number;
  readonly bytesPerCrawl: number;
}

/** ClickHouse in this process: the rows of all crawls as one block, as a busy platform writes. */
export async function engineStep(
  outputs: readonly Caused<EventOutputs>[],
  crawls: number,
): Promise<EngineFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'paycrawl-steps-'));
  const warehouse = await openChdbWarehouse({ directory });
  try {
    await migrate(warehouse);
    await insert(warehouse, outputs);
    const { rows, bytes } = await stored(warehouse);
    const us: number[] = [];
    for (let round = 0; round < rounds; round++) us.push(await insert(warehouse, outputs));
    const name = `ClickHouse takes the rows, ${crawls} crawls a block`;
    return {
      step: { name, perCrawl: 1, us: median(us) / crawls },
      rowsPerCrawl: rows / crawls,
      bytesPerCrawl: bytes / crawls,
    };
  } finally {
    await warehouse.close();
    rmSync(directory, { recursive: true, force: true });
  }
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
