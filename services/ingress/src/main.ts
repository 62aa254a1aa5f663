import { join } from 'node:path';
import { openChain } from '@paycrawl/chain/chain-client';
import { createLogGate } from '@paycrawl/event-log/log-ready';
import { openLog, openWakeups } from '@paycrawl/event-log/open-log';
import { statelessInstanceId } from '@paycrawl/service-kit/instance';
import { checkLogSettings } from '@paycrawl/service-kit/log-config';
import { secretsOf } from '@paycrawl/service-kit/process-config';
import { startRecoveryThreads } from '@paycrawl/service-kit/recovery-threads';
import {
  runService,
  type ServiceProcess,
  serveOperations,
} from '@paycrawl/service-kit/run-service';
import { quoteKeysFile, readQuoteKeys } from './challenge/quote-keys.js';
import { type ProcessConfig, processSchema } from './config.js';
import type { AccountChain } from './proof/account-check.js';
import { startIngress } from './service.js';
import { ingressSteps } from './steps.js';

await runService({
  name: 'ingress',
  schema: processSchema,
  steps: ingressSteps,
  check: ({ log }) => checkLogSettings(log),
  deadlineMs: ({ shutdownDeadlineMs }) => shutdownDeadlineMs,
  run,
});

async function run(process: ServiceProcess<ProcessConfig>): Promise<void> {
  const { config, lifecycle, health, logger, metrics, telemetry, onFatal, onStep } = process;
  const instanceId = statelessInstanceId(config.instanceId);
  const place = {
    directory: join(config.dataDir, 'log'),
    clientId: `paycrawl-ingress-${instanceId}`,
  };
  const log = openLog(config.log, place);
  lifecycle.onClose('log', () => log.close());
  const wakeups = openWakeups(config.log, place);
  lifecycle.onClose('wake-ups', () => wakeups.close());
  const gate = createLogGate(log);
  health.check('event-log', gate.check);
  health.check('wake-ups', wakeups.assertListening);
  const probes = await serveOperations(process, config.operations);
  await gate.pass({
    signal: lifecycle.signal,
    onWaiting: (reason) => logger.warn({ reason }, 'waiting for the event log'),
    onSuperseded: onFatal,
  });
  const secrets = secretsOf(config);
  const recoveries = await startRecoveryThreads({
    threads: config.recoveryThreads,
    onFailure: (err) => logger.error({ err }, 'signers are recovered on the event loop'),
  });
  lifecycle.onClose('recovery threads', recoveries.close);
  const ingress = await startIngress({
    ...{ log, wakeups, logger, metrics, telemetry, health, onFatal, onStep, clock: Date.now },
    recoveries,
    instanceId,
    chains: chainsOf(config),
    quoteKeys: await readQuoteKeys(join(secrets.directory, quoteKeysFile), secrets),
    config: config.ingress,
    drainMs: config.drainMs,
  });
  lifecycle.onClose('ingress', () => ingress.close());
  health.markReady();
  lifecycle.onClose('ready', () => health.markStopping());
  logger.info({ address: ingress.address, probes, instance: instanceId }, 'ready');
}

/** Without a chain, payers with code at their address are told to come back. */
function chainsOf({ chain }: ProcessConfig): ReadonlyMap<string, AccountChain> {
  const { rpcUrl, ...rest } = chain;
  if (rpcUrl === undefined) return new Map();
  return new Map([[`eip155:${chain.chainId}`, openChain({ ...rest, rpcUrl })]]);
}
