import { join } from 'node:path';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { partitionFolder } from '@paycrawl/events/topics';
import type { LogOutput } from '@paycrawl/fold/fold';
import { createLogSink, deadLetterOf } from '@paycrawl/fold/log-sink';
import { type Runtime, startRuntime } from '@paycrawl/fold/runtime';
import type { FoldStep } from '@paycrawl/fold/steps';
import { openStore } from '@paycrawl/fold/store';
import { createFoldInstruments } from '@paycrawl/service-kit/fold-instruments';
import type { Logger } from '@paycrawl/service-kit/logger';
import type { Metrics } from '@paycrawl/service-kit/metrics';
import type { Telemetry } from '@paycrawl/service-kit/telemetry';
import { handsOver, meteringFold } from './books/decide.js';
import type { MeteringConfig } from './config.js';
import { countCharges } from './count-charges.js';
import { createFeeKeeper } from './fee-keeper.js';

export interface MeteringOptions {
  readonly log: EventLog;
  /** One store per partition below it; belongs to one process at a time. */
  readonly storeDirectory: string;
  readonly config: MeteringConfig;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined: nothing is traced. */
  readonly telemetry?: Telemetry | undefined;
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
  const instruments = createFoldInstruments({ fold: meteringFold.name, ...options });
  const charged = countCharges(metrics);
  const runtime = await startRuntime<LogOutput>({
    log,
    fold: meteringFold,
    groupId: meteringFold.name,
    createSink: () => createLogSink(log, meteringFold.name, { handsOver }),
    openStore: (partition) => openStore(join(options.storeDirectory, partitionFolder(partition))),
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
    onFolded: (outputs) => {
      charged(outputs);
      instruments.folded(outputs);
    },
    onStep: options.onStep,
    clock: options.clock,
    onFatal: (error) => {
      logger.fatal({ err: error }, 'metering stopped');
      options.onFatal(error);
    },
    onRestart: (error) => {
      instruments.restarted();
      logger.warn({ err: error }, 'metering folds again from its last durable position');
    },
  });
  instruments.watch(runtime.standing);
  return runtime;
}
