import { join } from 'node:path';
import { openChain } from '@paycrawl/chain/chain-client';
import { createLogGate } from '@paycrawl/event-log/log-ready';
import { openLog } from '@paycrawl/event-log/open-log';
import { physicalTopic } from '@paycrawl/events/topics';
import { foldSteps } from '@paycrawl/fold/steps';
import { claimInstance } from '@paycrawl/service-kit/instance';
import { checkLogSettings } from '@paycrawl/service-kit/log-config';
import { secretsOf } from '@paycrawl/service-kit/process-config';
import { watchProgress } from '@paycrawl/service-kit/progress';
import {
  runService,
  type ServiceProcess,
  serveOperations,
} from '@paycrawl/service-kit/run-service';
import { settlementSteps } from './batches/steps.js';
import { type ProcessConfig, processSchema } from './config.js';
import { startSettlement } from './service.js';
import { loadSigners } from './signers.js';

await runService({
  name: 'settlement',
  schema: processSchema,
  steps: [...foldSteps, ...settlementSteps],
  check: ({ log }) => checkLogSettings(log),
  deadlineMs: ({ shutdownDeadlineMs }) => shutdownDeadlineMs,
  run,
});

async function run(process: ServiceProcess<ProcessConfig>): Promise<void> {
  const { config, lifecycle, health, logger, metrics, telemetry, onFatal, onStep } = process;
  const { dataDir, instanceId } = config;
  const instance = claimInstance({ dataDir, service: 'settlement', instanceId });
  lifecycle.onClose('instance', instance.release);
  const clientId = `paycrawl-settlement-${instance.id}`;
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
  const charges = physicalTopic('charges');
  const partitions = (await log.topics()).find(({ name }) => name === charges)?.partitions ?? 0;
  const secrets = secretsOf(config);
  const settlement = await startSettlement({
    ...{ log, logger, metrics, telemetry, onFatal, onStep, clock: Date.now },
    chain: openChain(config.chain),
    storeDirectory: instance.directory,
    // Of every partition: which of them this instance will own is not known before.
    signers: await loadSigners(secrets.directory, partitions, secrets),
    config: config.settlement,
  });
  lifecycle.onClose('settlement', settlement.close);
  health.check('settlement', settlement.assertUntroubled);
  const { stalledAfterMs } = config;
  watchProgress(health, 'settlement', { stalledAfterMs, progress: settlement.progress });
  health.markReady();
  lifecycle.onClose('readiness', health.markStopping);
  logger.info({ address, instance: instance.id }, 'ready');
}
