import { join } from 'node:path';
import { openChain } from '@paycrawl/chain/chain-client';
import { createLogGate } from '@paycrawl/event-log/log-ready';
import { openLog, openWakeups } from '@paycrawl/event-log/open-log';
import type { OpenWakeups } from '@paycrawl/event-log/wakeups';
import { foldSteps } from '@paycrawl/fold/steps';
import { claimInstance } from '@paycrawl/service-kit/instance';
import { checkLogSettings } from '@paycrawl/service-kit/log-config';
import type { Metrics } from '@paycrawl/service-kit/metrics';
import { secretsOf } from '@paycrawl/service-kit/process-config';
import { startRecoveryThreads } from '@paycrawl/service-kit/recovery-threads';
import {
  openWaitingRoom,
  runService,
  type ServiceProcess,
} from '@paycrawl/service-kit/run-service';
import { type ProcessConfig, processSchema } from './config.js';
import { startVerifier } from './service.js';

await runService({
  name: 'verifier',
  schema: processSchema,
  steps: foldSteps,
  check: ({ log }) => checkLogSettings(log),
  deadlineMs: ({ shutdownDeadlineMs }) => shutdownDeadlineMs,
  run,
});

async function run(process: ServiceProcess<ProcessConfig>): Promise<void> {
  const { config, lifecycle, health, logger, metrics, telemetry, onFatal, onStep } = process;
  const { dataDir, instanceId } = config;
  const instance = claimInstance({ dataDir, service: 'verifier', instanceId });
  lifecycle.onClose('instance', instance.release);
  const place = {
    directory: join(dataDir, 'log'),
    clientId: `paycrawl-verifier-${instance.id}`,
    isInstance: true,
  };
  const log = openLog(config.log, place);
  lifecycle.onClose('log', () => log.close());
  const wakeups = openWakeups(config.log, place);
  lifecycle.onClose('wake-ups', () => wakeups.close());
  measureDropped(metrics, wakeups);
  const gate = createLogGate(log);
  health.check('event-log', gate.check);
  const leaveWaitingRoom = await openWaitingRoom(process, config.verifier.facilitator);
  await gate.pass({
    signal: lifecycle.signal,
    onWaiting: (reason) => logger.warn({ reason }, 'waiting for the event log'),
    onSuperseded: onFatal,
  });
  await leaveWaitingRoom();
  const recoveries = await startRecoveryThreads({
    threads: config.recoveryThreads,
    onFailure: (err) => logger.error({ err }, 'signers are recovered on the event loop'),
  });
  lifecycle.onClose('recovery threads', recoveries.close);
  const verifier = await startVerifier({
    ...{ log, wakeups, logger, metrics, telemetry, health, onFatal, onStep, clock: Date.now },
    recoveries,
    chain: openChain(config.chain),
    instanceId: instance.id,
    storeDirectory: instance.directory,
    secretsDirectory: secretsOf(config).directory,
    config: config.verifier,
  });
  lifecycle.onClose('verifier', verifier.close);
  logger.info({ facilitator: verifier.address, instance: instance.id }, 'ready');
}

/** Each one delays an answer until the ingress reads the decision in the log. */
function measureDropped(metrics: Metrics, wakeups: OpenWakeups): void {
  let told = 0;
  const dropped = metrics.counter({
    name: 'paycrawl_verifier_wakeups_dropped_total',
    help: 'Wake-ups that were not sent: the ingress is gone, or a broker did not take them soon',
    collect: () => {
      dropped.inc(wakeups.dropped() - told);
      told = wakeups.dropped();
    },
  });
}
