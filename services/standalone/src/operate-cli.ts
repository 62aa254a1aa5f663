import { join } from 'node:path';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { standaloneConfig } from './config.js';
import { operate } from './operate.js';

/** `npm run operate -- PayerFrozen '{"payer": "…", "reason": "…"}'`; the platform may run. */
const [type = '', json = '{}'] = process.argv.slice(2);
const log = openLmdbLog({ directory: join(standaloneConfig().dataDir, 'log') });
try {
  for (const { topic, partition, offset } of await operate(
    log,
    type,
    JSON.parse(json),
    Date.now(),
  )) {
    console.log(`${type} stands in ${topic}[${partition}] at ${offset}`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  await log.close();
}
