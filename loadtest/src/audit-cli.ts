import { parseArgs } from 'node:util';
import { processEnvironment } from '@paycrawl/service-kit/config';
import { runAudit } from './audit/run-audit.js';

/** `npm run audit [-- --data <folder>] [-- --rpc <url>]`: exit code 0 where nothing was found. */
const { values } = parseArgs({
  options: { data: { type: 'string' }, rpc: { type: 'string' } },
});
const env = processEnvironment();
try {
  const { findings } = await runAudit({
    dataDir: values.data ?? env.DATA_DIR ?? '.paycrawl',
    runFile: env.RUN_FILE ?? '.paycrawl/run.json',
    rpcUrl: values.rpc,
    reconciliation: { attempts: 20, pauseMs: 500 },
    write: (line) => void process.stdout.write(`${line}\n`),
  });
  process.exitCode = findings.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`the audit could not be made: ${String(error)}\n`);
  process.exitCode = 2;
}
