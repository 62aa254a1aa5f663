import { join } from 'node:path';
import { openChain } from '@paycrawl/chain/chain-client';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { configCommand, processEnvironment } from '@paycrawl/service-kit/config';
import { createLifecycle, handleSignals } from '@paycrawl/service-kit/lifecycle';
import { createLogger, type Logger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import { type ProcessConfig, processSchema, readAsset } from './config.js';
import { startAnalytics } from './service.js';

const outcome = configCommand(processSchema, {
  argv: process.argv.slice(2),
  env: processEnvironment(),
  write: (line) => void process.stdout.write(`${line}\n`),
});
if (outcome.action === 'exit') process.exit(outcome.exitCode);
const logger = createLogger({ service: 'analytics' });
await run(outcome.config, logger).catch((error: unknown) => {
  logger.fatal({ err: error }, 'analytics did not start');
  process.exit(1);
});

async function run(config: ProcessConfig, logger: Logger): Promise<void> {
  const { dataDir, chain, assets, shutdownDeadlineMs } = config;
  const lifecycle = createLifecycle({ logger, deadlineMs: shutdownDeadlineMs });
  handleSignals(lifecycle);
  const metrics = createMetrics({ service: 'analytics', isProcessMeasured: true });
  const log = openLmdbLog({ directory: join(dataDir, 'log') });
  lifecycle.onClose('log', () => log.close());
  const warehouse = await openChdbWarehouse({ directory: join(dataDir, 'warehouse') });
  lifecycle.onClose('warehouse', () => warehouse.close());
  const { rpcUrl, ...rest } = chain;
  const analytics = await startAnalytics({
    log,
    warehouse,
    storeDirectory: join(dataDir, 'analytics'),
    secretsDirectory: join(dataDir, 'secrets'),
    ...(rpcUrl === undefined ? {} : { chain: openChain({ ...rest, rpcUrl }) }),
    assets: assets.map(readAsset),
    config: config.analytics,
    logger,
    metrics,
    clock: Date.now,
    onFatal: () => void lifecycle.close('fatal').then(() => process.exit(1)),
  });
  lifecycle.onClose('analytics', () => analytics.close());
  logger.info({ address: analytics.address }, 'serving the read API and the console');
}
