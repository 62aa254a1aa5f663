import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { explained, fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { openLogOf } from '@paycrawl/event-log/open-log';
import { processEnvironment } from '@paycrawl/service-kit/config';
import { runAudit } from './audit/run-audit.js';

const usage = `usage: npm run audit [-- --data <folder>] [--rpc <url>]

Re-reads the log from its beginning and proves the books from its records alone; the platform may
run meanwhile. The log is that of EVENT_LOG and KAFKA_BROKERS, or LMDB in the data folder.

  --data <folder>   data folder of the embedded log; default DATA_DIR, else .paycrawl
  --rpc <url>       chain to ask where the platform does not run

exit code 0: loss 0, duplicates 0 · 1: something was found · 2: the audit could not be made
`;

const env = processEnvironment();
try {
  const { values } = parseArgs({
    options: { data: { type: 'string' }, rpc: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help === true) process.stdout.write(usage);
  else await audit(values);
} catch (error) {
  process.stderr.write(`the audit could not be made: ${explained(error)}\n`);
  process.exitCode = 2;
}

async function audit({ data, rpc }: { data?: string; rpc?: string }): Promise<void> {
  const { findings } = await runAudit({
    openLog: () => openExistingLog(data ?? env.DATA_DIR ?? '.paycrawl'),
    runFile: env.RUN_FILE ?? '.paycrawl/run.json',
    rpcUrl: rpc,
    reconciliation: { attempts: 20, pauseMs: 500 },
    write: (line) => void process.stdout.write(`${line}\n`),
  });
  process.exitCode = findings.length === 0 ? 0 : 1;
}

/** Opening LMDB would make an empty log, and an audit of nothing is clean. */
function openExistingLog(dataDir: string): EventLog {
  const directory = join(dataDir, 'log');
  if ((env.EVENT_LOG ?? 'lmdb') === 'lmdb' && !existsSync(directory)) {
    throw fail('config_invalid', `there is no log in ${dataDir}`);
  }
  return openLogOf(env, { directory, clientId: 'paycrawl-audit' });
}
