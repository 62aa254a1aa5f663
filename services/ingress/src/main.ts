import { join } from 'node:path';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { createLocalWakeups } from '@paycrawl/event-log/wakeups';
import { configCommand, processEnvironment } from '@paycrawl/service-kit/config';
import { createHealth } from '@paycrawl/service-kit/health';
import { createHttp, listen, registerOperations } from '@paycrawl/service-kit/http';
import { createLifecycle, handleSignals } from '@paycrawl/service-kit/lifecycle';
import { createLogger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import { quoteKeysFile, readQuoteKeys } from './challenge/quote-keys.js';
import { type ProcessConfig, processSchema } from './config.js';
import { startIngress } from './service.js';

const outcome = configCommand(processSchema, {
  argv: process.argv.slice(2),
  env: processEnvironment(),
  write: (line) => void process.stdout.write(`${line}\n`),
});
if (outcome.action === 'exit') process.exitCode = outcome.exitCode;
else await run(outcome.config);

/**
 * An ingress of its own on the log of this machine. Wake-ups do not cross processes here, so
 * decisions are read from the log; payers with code are not served without a chain.
 */
async function run(config: ProcessConfig): Promise<void> {
  const logger = createLogger({ service: 'ingress' });
  const metrics = createMetrics({ service: 'ingress', isProcessMeasured: true });
  const health = createHealth();
  const lifecycle = createLifecycle({ logger, deadlineMs: config.shutdownDeadlineMs });
  handleSignals(lifecycle);
  const log = openLmdbLog({ directory: join(config.dataDir, 'log') });
  lifecycle.onClose('log', () => log.close());
  const ingress = await startIngress({
    log,
    wakeups: createLocalWakeups(),
    chains: new Map(),
    quoteKeys: await readQuoteKeys(join(config.dataDir, 'secrets', quoteKeysFile)),
    config: config.ingress,
    logger,
    metrics,
    health,
    clock: Date.now,
    onFatal: (err) => {
      logger.fatal({ err }, 'ingress cannot go on');
      void lifecycle.close('fatal').then(() => process.exit(1));
    },
  });
  lifecycle.onClose('ingress', () => ingress.close());
  const operations = createHttp({ logger });
  lifecycle.onClose('operations', () => operations.close());
  registerOperations(operations, { health, metrics });
  const probes = await listen(operations, config.operations);
  health.markReady();
  lifecycle.onClose('ready', () => health.markStopping());
  logger.info({ address: ingress.address, probes }, 'listening');
}
