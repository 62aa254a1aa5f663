import { join } from 'node:path';
import { openChain } from '@paycrawl/chain/chain-client';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { configCommand, processEnvironment } from '@paycrawl/service-kit/config';
import { createHealth } from '@paycrawl/service-kit/health';
import { createHttp, listen, registerOperations } from '@paycrawl/service-kit/http';
import { createLifecycle, handleSignals } from '@paycrawl/service-kit/lifecycle';
import { createLogger, type Logger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import { type ProcessConfig, processSchema } from './config.js';
import { startSettlement } from './service.js';
import { loadSigners } from './signers.js';

const outcome = configCommand(processSchema, {
  argv: process.argv.slice(2),
  env: processEnvironment(),
  write: (line) => void process.stdout.write(`${line}\n`),
});
if (outcome.action === 'exit') process.exit(outcome.exitCode);
const logger = createLogger({ service: 'settlement' });
await run(outcome.config, logger).catch((error: unknown) => {
  logger.fatal({ err: error }, 'settlement did not start');
  process.exit(1);
});

async function run(config: ProcessConfig, logger: Logger): Promise<void> {
  const { dataDir, chain, operations, shutdownDeadlineMs } = config;
  const lifecycle = createLifecycle({ logger, deadlineMs: shutdownDeadlineMs });
  handleSignals(lifecycle);
  const metrics = createMetrics({ service: 'settlement', isProcessMeasured: true });
  const health = createHealth();
  const log = openLmdbLog({ directory: join(dataDir, 'log') });
  lifecycle.onClose('log', () => log.close());
  const settlement = await startSettlement({
    log,
    chain: openChain(chain),
    storeDirectory: join(dataDir, 'settlement'),
    signers: await loadSigners(join(dataDir, 'secrets'), config.partitions),
    config: config.settlement,
    logger,
    metrics,
    clock: Date.now,
    onFatal: () => void lifecycle.close('fatal').then(() => process.exit(1)),
  });
  lifecycle.onClose('settlement', settlement.close);
  health.check('settlement', settlement.assertUntroubled);
  const app = createHttp({ logger });
  registerOperations(app, { health, metrics });
  await listen(app, operations);
  lifecycle.onClose('http', () => app.close());
  health.markReady();
  lifecycle.onClose('readiness', health.markStopping);
}
