import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { enterGeneration } from '@paycrawl/event-log/generation';
import { openLog } from '@paycrawl/event-log/open-log';
import { loadConfig, processEnvironment } from '@paycrawl/service-kit/config';
import { openWarehouse } from '@paycrawl/warehouse/open-warehouse';
import { processSchema } from './config.js';
import { type RebuildReport, rebuildProjection } from './rebuild/rebuild.js';

/**
 * `npm run rebuild-projection [-- --accept-differences] [--force] [--stores DIR]`: with
 * CLICKHOUSE_URL beside analytics that run; without it in DATA_DIR, with the platform stopped.
 */
const flag = { type: 'boolean', default: false } as const;
const { values: flags } = parseArgs({
  options: { 'accept-differences': flag, force: flag, stores: { type: 'string' } },
});

/** Questions over whole tables. */
const queryTimeoutMs = 600_000;

try {
  print(await run());
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

async function run(): Promise<RebuildReport> {
  const config = loadConfig(processSchema, processEnvironment());
  const { dataDir, clickHouse } = config;
  const logPlace = { directory: join(dataDir, 'log'), clientId: 'paycrawl-rebuild-projection' };
  const log = openLog(config.log, logPlace);
  try {
    // Every generation up to the one in force is folded again.
    await enterGeneration(log);
    const place = { directory: join(dataDir, 'warehouse'), queryTimeoutMs };
    const warehouse = await openWarehouse(clickHouse, place);
    // The engine of the data folder has one process: nobody projects now.
    const stores = flags.stores ?? (clickHouse.url === undefined ? storesOf(dataDir) : undefined);
    const report = await rebuildProjection({
      ...{ log, warehouse, clock: Date.now },
      workDirectory: join(dataDir, 'analytics.rebuild'),
      threads: { log: config.log, logPlace, count: availableParallelism() },
      ...(stores === undefined ? {} : { replaceStores: stores }),
      acceptDifferences: flags['accept-differences'],
      isForced: flags.force,
      onStep: (step) => console.log(step),
    });
    await warehouse.close();
    return report;
  } finally {
    await log.close();
  }
}

/** Of the platform on one machine, or of the only instance that the engine allows. */
function storesOf(dataDir: string): string | undefined {
  const places = [join(dataDir, 'stores', 'analytics'), join(dataDir, 'analytics', '0')];
  return places.find(existsSync);
}

function print({ records, carried, comparisons }: RebuildReport): void {
  for (const { table, rows, missing, surplus } of comparisons) {
    console.log(`${table}: ${rows} rows compared, ${missing} missing, ${surplus} surplus`);
  }
  if (carried.length > 0) console.log(`carried over: ${carried.join(', ')}`);
  console.log(`${records} records folded; the rebuilt projection is served`);
}
