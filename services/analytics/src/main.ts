import { join } from 'node:path';
import { openChain } from '@paycrawl/chain/chain-client';
import { createLogGate } from '@paycrawl/event-log/log-ready';
import { openLog } from '@paycrawl/event-log/open-log';
import { foldSteps } from '@paycrawl/fold/steps';
import { claimInstance } from '@paycrawl/service-kit/instance';
import { checkLogSettings } from '@paycrawl/service-kit/log-config';
import { secretsOf } from '@paycrawl/service-kit/process-config';
import {
  openWaitingRoom,
  runService,
  type ServiceProcess,
} from '@paycrawl/service-kit/run-service';
import { openWarehouse } from '@paycrawl/warehouse/open-warehouse';
import { checkClickHouse, type ProcessConfig, processSchema, readAsset } from './config.js';
import { startAnalytics } from './service.js';

await runService({
  name: 'analytics',
  schema: processSchema,
  steps: foldSteps,
  check: (config) => {
    checkLogSettings(config.log);
    checkClickHouse(config);
    config.assets.forEach(readAsset);
  },
  deadlineMs: ({ shutdownDeadlineMs }) => shutdownDeadlineMs,
  run,
});

async function run(process: ServiceProcess<ProcessConfig>): Promise<void> {
  const { config, lifecycle, health, logger, metrics, telemetry, onFatal, onStep } = process;
  const { dataDir, instanceId, chain } = config;
  const instance = claimInstance({ dataDir, service: 'analytics', instanceId });
  lifecycle.onClose('instance', instance.release);
  const clientId = `paycrawl-analytics-${instance.id}`;
  const directory = join(dataDir, 'log');
  const log = openLog(config.log, { directory, clientId, isInstance: true });
  lifecycle.onClose('log', () => log.close());
  const gate = createLogGate(log);
  health.check('event-log', gate.check);
  const leaveWaitingRoom = await openWaitingRoom(process, config.analytics.http);
  await gate.pass({
    signal: lifecycle.signal,
    onWaiting: (reason) => logger.warn({ reason }, 'waiting for the event log'),
    onSuperseded: onFatal,
  });
  const warehouse = await openWarehouse(config.clickHouse, {
    directory: join(dataDir, 'warehouse'),
  });
  lifecycle.onClose('warehouse', () => warehouse.close());
  await leaveWaitingRoom();
  const { rpcUrl, ...rest } = chain;
  const analytics = await startAnalytics({
    ...{ log, warehouse, logger, metrics, telemetry, health, onFatal, onStep, clock: Date.now },
    storeDirectory: instance.directory,
    mayHavePeers: config.log.kind === 'kafka',
    engine: config.clickHouse.url === undefined ? 'in_process' : 'server',
    secretsDirectory: secretsOf(config).directory,
    ...(rpcUrl === undefined ? {} : { chain: openChain({ ...rest, rpcUrl }) }),
    assets: config.assets.map(readAsset),
    config: config.analytics,
  });
  lifecycle.onClose('analytics', () => analytics.close());
  logger.info({ address: analytics.address, instance: instance.id }, 'ready');
}
