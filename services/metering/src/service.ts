import { join } from 'node:path';
import type { EventLog } from '@paycrawl/event-log/event-log';
import type { LogOutput } from '@paycrawl/fold/fold';
import { createLogSink, deadLetterOf } from '@paycrawl/fold/log-sink';
import { type Runtime, startRuntime } from '@paycrawl/fold/runtime';
import type { FoldStep } from '@paycrawl/fold/steps';
import { openStore } from '@paycrawl/fold/store';
import type { Health } from '@paycrawl/service-kit/health';
import type { Logger } from '@paycrawl/service-kit/logger';
import type { Metrics } from '@paycrawl/service-kit/metrics';
import { meteringFold } from './books/decide.js';
import type { MeteringConfig } from './config.js';
import { createFeeKeeper } from './fee-keeper.js';

export interface MeteringOptions {
  readonly log: EventLog;
  /** One store per partition below it; belongs to one process at a time. */
  readonly storeDirectory: string;
  readonly config: MeteringConfig;
  readonly logger: Logger;
  readonly metrics: Metrics;
  clock(): number;
  /** Metering cannot go on: the process must end. */
  onFatal(error: unknown): void;
  /** Told after each named step; only tests listen. */
  onStep?: ((step: FoldStep) => void) | undefined;
}

export type Metering = Runtime;

const feeIntervalMs = 1000;

/** Folds decisions into ledger and charges, for every partition that the group gives to it. */
export async function startMetering(options: MeteringOptions): Promise<Metering> {
  const { log, config, logger, metrics } = options;
  const restarts = metrics.counter({
    name: 'paycrawl_metering_restarts_total',
    help: 'Times that metering folded again from its last durable position',
  });
  const runtime = await startRuntime<LogOutput>({
    log,
    fold: meteringFold,
    groupId: meteringFold.name,
    createSink: () => createLogSink(log, meteringFold.name),
    openStore: (partition) => openStore(join(options.storeDirectory, String(partition))),
    deadLetter: deadLetterOf(meteringFold.name),
    createDriver: (owned) =>
      createFeeKeeper({
        owned,
        feeBps: config.platformFeeBps,
        intervalMs: feeIntervalMs,
        clock: options.clock,
      }),
    snapshots: { topic: 'snapshots-metering', intervalMs: config.snapshotIntervalMs },
    checkpointIntervalMs: config.checkpointIntervalMs,
    onStep: options.onStep,
    clock: options.clock,
    onFatal: (error) => {
      logger.fatal({ err: error }, 'metering stopped');
      options.onFatal(error);
    },
    onRestart: (error) => {
      restarts.inc();
      logger.warn({ err: error }, 'metering folds again from its last durable position');
    },
  });
  measureLag(metrics, runtime);
  return runtime;
}

function measureLag(metrics: Metrics, runtime: Runtime): void {
  metrics.gauge({
    name: 'paycrawl_metering_lag_records',
    help: 'Records of decisions that are not yet in the durable state',
    labels: ['partition'],
    collect: async (gauge) => {
      gauge.reset();
      for (const { partition, storedOffset, logNextOffset } of await runtime.progress()) {
        gauge.set({ partition: String(partition) }, logNextOffset - storedOffset);
      }
    },
  });
}

/** Liveness is progress: lag, and no position stored for this long, fails the probe. */
export function watchProgress(health: Health, metering: Metering, stalledAfterMs: number): void {
  let storedBefore = 0;
  const watched = health.progress('metering', {
    stalledAfterMs,
    lag: async () => {
      const all = await metering.progress();
      const stored = all.reduce((sum, { storedOffset }) => sum + storedOffset, 0);
      if (stored !== storedBefore) watched.committed();
      storedBefore = stored;
      return all.reduce((sum, one) => sum + one.logNextOffset - one.storedOffset, 0);
    },
  });
}
