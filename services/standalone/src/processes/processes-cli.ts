import { explained } from '@paycrawl/errors/paycrawl-error';
import { processEnvironment } from '@paycrawl/service-kit/config';
import { createLifecycle, handleSignals } from '@paycrawl/service-kit/lifecycle';
import { createLogger } from '@paycrawl/service-kit/logger';
import { processesConfig, processesFlags } from '../config.js';
import { runDemo } from '../demo/demo.js';
import { writeReport } from '../demo/report.js';
import { removeRunFile, writeRunFile } from '../run-file.js';
import { startProcesses } from './platform-processes.js';

/** `npm run up:processes [-- --brokers 3] [--fresh] [--demo]` */
const write = (text: string): void => void process.stdout.write(text);
/** Services close under 25 s each, and those that depend on others go first. */
const shutdownDeadlineMs = 90_000;

const logger = createLogger({ service: 'processes' });
const lifecycle = createLifecycle({ logger, deadlineMs: shutdownDeadlineMs });
handleSignals(lifecycle);
try {
  await start();
} catch (error) {
  // A signal during the start closes everything by itself.
  if (!lifecycle.signal.aborted) {
    process.stderr.write(`paycrawl did not start: ${explained(error)}\n`);
    await lifecycle.close('start failed');
    process.exit(1);
  }
}

async function start(): Promise<void> {
  const { dataDir, runFile } = processesConfig();
  const flags = processesFlags(process.argv.slice(2));
  write('Starting docker-compose.yml as processes of this machine\n\n');
  const { run, logEnvironment } = await startProcesses({
    ...{ dataDir, runFile, lifecycle, ...flags },
    environment: processEnvironment(),
    say: (line) => write(`${line}\n`),
    progress: {
      begun: () => undefined,
      ended: (name, said, ms) => {
        write(`  ${name.padEnd(18)}${said} (${(ms / 1_000).toFixed(1)} s)\n`);
      },
    },
  });
  await writeRunFile(runFile, run);
  lifecycle.onClose('run file', () => removeRunFile(runFile));
  if (flags.demo) {
    write('\nCrawling the demo site with published x402 clients\n');
    write(`\n${writeReport(await runDemo(run))}`);
  }
  write(
    [
      '',
      `Ready; logs and data are in ${dataDir}. It stays up until Ctrl-C; the devnet after that.`,
      '',
      `  ingresses      ${run.ingress}`,
      `  console, API   ${run.console}`,
      `  facilitators   ${run.facilitator}/supported`,
      `  devnet         ${run.chain.rpc}`,
      '',
      '  commands on this log, as npm run audit, need',
      ...Object.entries(logEnvironment).map(([name, value]) => `    ${name}=${value}`),
      '',
      `  sign in as the publisher with   ${run.publisher.token}`,
      `  sign in as the operator with    ${run.operator.token}`,
      '',
      '',
    ].join('\n'),
  );
}
