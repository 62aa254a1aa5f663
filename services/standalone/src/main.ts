import { explained } from '@paycrawl/errors/paycrawl-error';
import { createLifecycle, handleSignals } from '@paycrawl/service-kit/lifecycle';
import { createLogger } from '@paycrawl/service-kit/logger';
import { flagsOf, standaloneConfig } from './config.js';
import { runDemo } from './demo/demo.js';
import { writeReport } from './demo/report.js';
import { startPlatform } from './platform.js';
import { type RunFile, removeRunFile, writeRunFile } from './run-file.js';

const shutdownDeadlineMs = 20_000;

const flags = flagsOf(process.argv.slice(2));
const logger = createLogger({ service: 'standalone' });
const lifecycle = createLifecycle({ logger, deadlineMs: shutdownDeadlineMs });
handleSignals(lifecycle);
await start().catch(async (error: unknown) => {
  process.stderr.write(`paycrawl did not start: ${explained(error)}\n`);
  logger.error({ err: error }, 'did not start');
  await lifecycle.close('start failed');
  process.exit(1);
});

async function start(): Promise<void> {
  const config = standaloneConfig();
  const run = await startPlatform({
    config,
    fresh: flags.fresh,
    logger,
    lifecycle,
    onFatal: (error) => {
      logger.fatal({ err: error }, 'cannot go on');
      void lifecycle.close('fatal').then(() => process.exit(1));
    },
  });
  await writeRunFile(config.runFile, run);
  lifecycle.onClose('run file', () => removeRunFile(config.runFile));
  if (flags.demo) {
    process.stdout.write('Crawling the demo site with published x402 clients\n');
    process.stdout.write(`\n${writeReport(await runDemo(run))}`);
  }
  process.stdout.write(addresses(run));
}

function addresses(run: RunFile): string {
  return [
    '',
    'paycrawl is running. It stays up until Ctrl-C; the devnet stays up after that.',
    '',
    `  site with the till   ${run.ingress}`,
    `  console              ${run.console}`,
    `  read API             ${run.api}/openapi.json`,
    `  x402 facilitator     ${run.facilitator}/supported`,
    `  devnet (JSON-RPC)    ${run.chain.rpc}`,
    '',
    `  sign in as the publisher with   ${run.publisher.token}`,
    `  sign in as the operator with    ${run.operator.token}`,
    '',
    '',
  ].join('\n');
}
