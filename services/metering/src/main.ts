import { join } from 'node:path';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { configCommand, processEnvironment } from '@paycrawl/service-kit/config';
import { createHealth } from '@paycrawl/service-kit/health';
import { createHttp, listen, registerOperations } from '@paycrawl/service-kit/http';
import { createLifecycle, handleSignals } from '@paycrawl/service-kit/lifecycle';
import { createLogger, type Logger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import { type ProcessConfig, processSchema } from './config.js';
import { startMetering, watchProgress } from './service.js';

const outcome = configCommand(processSchema, {
  argv: process.argv.slice(2),
  env: processEnvironment(),
  write: (line) => void process.stdout.write(`${line}\n`),
});
if (outcome.action === 'exit') process.exit(outcome.exitCode);
const logger = createLogger({ service: 'metering' });
await run(outcome.config, logger).catch((error: unknown) => {
  logger.fatal({ err: error }, 'metering did not start');
  process.exit(1);
});

async function run(config: ProcessConfig, logger: Logger): Promise<void> {
  const { dataDir, operations, shutdownDeadlineMs, stalledAfterMs } = config;
  const lifecycle = createLifecycle({ logger, deadlineMs: shutdownDeadlineMs });
  handleSignals(lifecycle);
  const metrics = createMetrics({ service: 'metering', isProcessMeasured: true });
  const health = createHealth();
  const log = openLmdbLog({ directory: join(dataDir, 'log') });
  lifecycle.onClose('log', () => log.close());
  const metering = await startMetering({
    log,
    storeDirectory: join(dataDir, 'metering'),
    config: config.metering,
    logger,
    metrics,
    clock: Date.now,
    onFatal: () => void lifecycle.close('fatal').then(() => process.exit(1)),
  });
  lifecycle.onClose('metering', () => metering.close());
  watchProgress(health, metering, stalledAfterMs);
  const app = createHttp({ logger });
  lifecycle.onClose('http', () => app.close());
  registerOperations(app, { health, metrics });
  const address = await listen(app, operations);
  health.markReady();
  lifecycle.onClose('readiness', () => health.markStopping());
  logger.info({ address }, 'metering is up');
}
