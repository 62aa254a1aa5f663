import { join } from 'node:path';
import type { Chain } from '@paycrawl/chain/chain';
import { openChain } from '@paycrawl/chain/chain-client';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { enterGeneration, type GenerationInForce } from '@paycrawl/event-log/generation';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { type Environment, processEnvironment } from '@paycrawl/service-kit/config';
import { crashPoint } from '@paycrawl/service-kit/crash-point';
import type { Lifecycle } from '@paycrawl/service-kit/lifecycle';
import { createLogger, type Logger } from '@paycrawl/service-kit/logger';
import { createMetrics, type Metrics } from '@paycrawl/service-kit/metrics';
import { startTelemetry } from '@paycrawl/service-kit/start-telemetry';
import type { Telemetry } from '@paycrawl/service-kit/telemetry';
import { crashSteps } from './crash-point.js';

/** What both threads need to know; plain data, because it crosses from one to the other. */
export interface Premises {
  readonly dataDir: string;
  readonly partitions: number;
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly logLevel: string;
  readonly crashAt: string | undefined;
}

/** What every service of one thread is made of. */
export interface Parts {
  readonly premises: Premises;
  /** Whose topics this process speaks of. */
  readonly generation: GenerationInForce;
  readonly log: EventLog;
  readonly chain: Chain;
  readonly secretsDirectory: string;
  readonly environment: Environment;
  /** One registry per thread: `/metrics` of a service shows those that run beside it. */
  readonly metrics: Metrics;
  readonly telemetry: Telemetry | undefined;
  readonly lifecycle: Lifecycle;
  storeOf(service: string): string;
  common(service: string): CommonParts;
}

export interface CommonParts {
  readonly log: EventLog;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly telemetry: Telemetry | undefined;
  clock(): number;
  onFatal(error: unknown): void;
  readonly onStep: ((step: string) => void) | undefined;
}

/** Where all services share a machine: money can wait for its cores, crawlers cannot. */
const defaults: Environment = {
  FACILITATOR_IS_OPEN: 'true',
  SETTLEMENT_BATCHES_IN_FLIGHT_MAX: '4',
};

export async function openParts(
  premises: Premises,
  lifecycle: Lifecycle,
  onFatal: (error: unknown) => void,
): Promise<Parts> {
  const { dataDir, rpcUrl, chainId, logLevel } = premises;
  // Each thread has its own: what is loaded in one is not there in the other.
  const telemetry = await startTelemetry({
    service: 'standalone',
    environment: processEnvironment(),
  });
  if (telemetry !== undefined) lifecycle.onClose('telemetry', telemetry.close);
  const onStep = crashPoint(premises.crashAt, crashSteps);
  const log = openLmdbLog({ directory: join(dataDir, 'log') });
  lifecycle.onClose('log', () => log.close());
  const generation = await enterGeneration(log);
  const metrics = createMetrics({ service: 'standalone', isProcessMeasured: true });
  return {
    ...{ premises, generation, log, metrics, telemetry, lifecycle },
    chain: openChain({ rpcUrl, chainId }),
    secretsDirectory: join(dataDir, 'secrets'),
    environment: { ...defaults, ...processEnvironment() },
    storeOf: (service) => join(dataDir, 'stores', service),
    common: (service) => ({
      ...{ log, metrics, telemetry, onFatal },
      logger: createLogger({ service, level: logLevel }),
      clock: Date.now,
      // Absent in earnest: the hot path then calls nothing.
      onStep: onStep && ((step) => onStep(service, step)),
    }),
  };
}
