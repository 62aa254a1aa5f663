import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { explained, fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { openLogOf } from '@paycrawl/event-log/open-log';
import { processEnvironment } from '@paycrawl/service-kit/config';
import { wholeNumber } from './command-line.js';
import { auditUntilFolded } from './k6/audit-after-load.js';
import { challengesMissing, markChallenges } from './k6/challenges-in-log.js';
import { findOrInstallK6 } from './k6/k6-program.js';
import { loadTargetOf } from './k6/load-target.js';
import { runLoad } from './k6/run-load.js';
import { scenarioNames } from './k6/scenarios.js';

const usage = `usage: npm run load -- <scenario> [options]

Runs a scenario of loadtest/k6 against a platform, then the audit. Without options: against the
platform of .paycrawl/run.json, with payers that the devnet funds.

  scenario             ${scenarioNames.join(', ')}
  --url <url>          a priced page of another deployment
  --facilitator <url>  its facilitator, for verification-ramp
  --wallets <file>     JSON [{"address", "privateKey"}] of funded payers
  --payers <n>         known payers; default 1000
  --seed <text>        they are derived from it; default paycrawl
  --rate <n>           requests a second; each scenario has its own default
  --duration <s>       seconds of load
  --reports <folder>   default .paycrawl/load/<scenario>
  --data <folder>      data folder of the log for the audit; default DATA_DIR, else .paycrawl
  --rpc <url>          chain to audit where the run file names none

The log of the audit is that of EVENT_LOG and KAFKA_BROKERS, or LMDB in the data folder.
exit code 0: all limits kept, audit clean · 1: a limit missed, or the audit found something
          2: it could not be run
`;

const env = processEnvironment();
try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      facilitator: { type: 'string' },
      wallets: { type: 'string' },
      payers: { type: 'string', default: '1000' },
      seed: { type: 'string', default: 'paycrawl' },
      rate: { type: 'string' },
      duration: { type: 'string' },
      reports: { type: 'string' },
      data: { type: 'string' },
      rpc: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const [scenario] = positionals;
  if (values.help || scenario === undefined) {
    process.stdout.write(usage);
    process.exitCode = values.help ? 0 : 2;
  } else {
    const runFile = env.RUN_FILE ?? '.paycrawl/run.json';
    const openLog = logOf(values.data ?? env.DATA_DIR ?? '.paycrawl');
    const before = await withLog(openLog, markChallenges);
    const { outcome, summary } = await runLoad({
      k6: findOrInstallK6(write),
      scenario,
      target: loadTargetOf({ ...values, payers: wholeNumber('payers', values.payers), runFile }),
      ratePerS: wholeIfGiven('rate', values.rate),
      durationS: wholeIfGiven('duration', values.duration),
      reports: values.reports ?? join('.paycrawl', 'load', scenario),
      write,
    });
    const isClean = await audit(openLog, runFile, values.rpc);
    const missing = await withLog(openLog, (log) => challengesMissing(log, before, summary));
    write(`offers that are not in the log: ${missing}`);
    process.exitCode = outcome === 'within-limits' && isClean && missing === 0 ? 0 : 1;
  }
} catch (error) {
  write(`the load could not be run: ${explained(error)}`);
  process.exitCode = 2;
}

async function audit(
  openLog: () => EventLog,
  runFile: string,
  rpcUrl: string | undefined,
): Promise<boolean> {
  write('audit …');
  // Books and figures may still be catching up with what the load left behind.
  const reconciliation = { attempts: 240, pauseMs: 500 };
  const asked = { openLog, runFile, rpcUrl, reconciliation, write };
  const { findings } = await auditUntilFolded(asked);
  return findings.length === 0;
}

async function withLog<Result>(
  openLog: () => EventLog,
  ask: (log: EventLog) => Promise<Result>,
): Promise<Result> {
  const log = openLog();
  try {
    return await ask(log);
  } finally {
    await log.close();
  }
}

/** Looked for before the load begins: a run without its audit proves nothing. */
function logOf(dataDir: string): () => EventLog {
  const directory = join(dataDir, 'log');
  if ((env.EVENT_LOG ?? 'lmdb') === 'lmdb' && !existsSync(directory)) {
    throw fail('config_invalid', `there is no log in ${dataDir} to audit: give --data, EVENT_LOG`);
  }
  return () => openLogOf(env, { directory, clientId: 'paycrawl-audit' });
}

function wholeIfGiven(flag: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : wholeNumber(flag, text);
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
