import { join } from 'node:path';
import { createLogGate } from '@paycrawl/event-log/log-ready';
import { openLog } from '@paycrawl/event-log/open-log';
import { foldSteps } from '@paycrawl/fold/steps';
import { claimInstance } from '@paycrawl/service-kit/instance';
import { checkLogSettings } from '@paycrawl/service-kit/log-config';
import { watchProgress } from '@paycrawl/service-kit/progress';
import {
  runService,
  type ServiceProcess,
  serveOperations,
} from '@paycrawl/service-kit/run-service';
import { type ProcessConfig, processSchema } from './config.js';
import { startMetering } from './service.js';

await runService({
  name: 'metering',
  schema: processSchema,
  steps: foldSteps,
  check: ({ log }) => checkLogSettings(log),
  deadlineMs: ({ shutdownDeadlineMs }) => shutdownDeadlineMs,
  run,
});

async function run(process: ServiceProcess<ProcessConfig>): Promise<void> {
  const { config, lifecycle, health, logger, metrics, telemetry, onFatal, onStep } = process;
  const { dataDir, instanceId } = config;
  const instance = claimInstance({ dataDir, service: 'metering', instanceId });
  lifecycle.onClose('instance', instance.release);
  const clientId = `paycrawl-metering-${instance.id}`;
  const directory = join(dataDir, 'log');
  const log = openLog(config.log, { directory, clientId, isInstance: true });
  lifecycle.onClose('log', () => log.close());
  const gate = createLogGate(log);
  health.check('event-log', gate.check);
  const address = await serveOperations(process, config.operations);
  await gate.pass({
    signal: lifecycle.signal,
    onWaiting: (reason) => logger.warn({ reason }, 'waiting for the event log'),
    onSuperseded: onFatal,
  });
  const metering = await startMetering({
    ...{ log, logger, metrics, telemetry, onFatal, onStep, clock: Date.now },
    storeDirectory: instance.directory,
    config: config.metering,
  });
  lifecycle.onClose('metering', () => metering.close());
  const { stalledAfterMs } = config;
  watchProgress(health, 'metering', { stalledAfterMs, progress: metering.progress });
  health.markReady();
  lifecycle.onClose('readiness', health.markStopping);
  logger.info({ address, instance: instance.id }, 'ready');
}
