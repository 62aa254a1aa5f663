import { join } from 'node:path';
import { openChain } from '@paycrawl/chain/chain-client';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { createLocalWakeups } from '@paycrawl/event-log/wakeups';
import { configCommand, processEnvironment } from '@paycrawl/service-kit/config';
import { createLifecycle, handleSignals } from '@paycrawl/service-kit/lifecycle';
import { createLogger, type Logger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import { type ProcessConfig, processSchema } from './config.js';
import { startVerifier } from './service.js';

const outcome = configCommand(processSchema, {
  argv: process.argv.slice(2),
  env: processEnvironment(),
  write: (line) => void process.stdout.write(`${line}\n`),
});
if (outcome.action === 'exit') process.exit(outcome.exitCode);
const logger = createLogger({ service: 'verifier' });
await run(outcome.config, logger).catch((error: unknown) => {
  logger.fatal({ err: error }, 'verifier did not start');
  process.exit(1);
});

async function run(config: ProcessConfig, logger: Logger): Promise<void> {
  const { dataDir, chain, shutdownDeadlineMs } = config;
  const lifecycle = createLifecycle({ logger, deadlineMs: shutdownDeadlineMs });
  handleSignals(lifecycle);
  const log = openLmdbLog({ directory: join(dataDir, 'log') });
  lifecycle.onClose('log', () => log.close());
  const verifier = await startVerifier({
    log,
    chain: openChain(chain),
    // A process of its own wakes nobody: ingresses elsewhere read the log.
    wakeups: createLocalWakeups(),
    storeDirectory: join(dataDir, 'verifier'),
    secretsDirectory: join(dataDir, 'secrets'),
    config: config.verifier,
    logger,
    metrics: createMetrics({ service: 'verifier', isProcessMeasured: true }),
    clock: Date.now,
    onFatal: () => void lifecycle.close('fatal').then(() => process.exit(1)),
  });
  lifecycle.onClose('verifier', verifier.close);
  logger.info({ facilitator: verifier.address }, 'ready');
}
