import { join } from 'node:path';
import type { Chain } from '@paycrawl/chain/chain';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { partitionFolder } from '@paycrawl/events/topics';
import { createLogSink, deadLetterOf } from '@paycrawl/fold/log-sink';
import { type OwnedPartition, type Runtime, startRuntime } from '@paycrawl/fold/runtime';
import type { FoldStep } from '@paycrawl/fold/steps';
import { openStore } from '@paycrawl/fold/store';
import { measureChain } from '@paycrawl/service-kit/chain-calls';
import type { Logger } from '@paycrawl/service-kit/logger';
import type { Metrics } from '@paycrawl/service-kit/metrics';
import type { Telemetry } from '@paycrawl/service-kit/telemetry';
import { handsOver, settlementFold } from './batches/decide.js';
import { createSettlementDriver, type SettlementDriver } from './batches/driver.js';
import type { DriverSettings, Signer, Trouble } from './batches/driver-context.js';
import type { Out } from './batches/state.js';
import type { SettlementStep } from './batches/steps.js';
import type { SettlementConfig } from './config.js';
import { createSettlementInstruments, type SettlementInstruments } from './instruments.js';
import { createRegistryWriter, type RegistryWriter } from './registry-writer.js';

export interface SettlementOptions {
  readonly log: EventLog;
  readonly chain: Chain;
  /** One store per partition below it; belongs to one process at a time. */
  readonly storeDirectory: string;
  /** By partition. */
  readonly signers: readonly Signer[];
  readonly config: SettlementConfig;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined: nothing is traced. */
  readonly telemetry?: Telemetry | undefined;
  clock(): number;
  /** Settlement cannot go on: the process must end. */
  onFatal(error: unknown): void;
  /** Told after each named step; only tests listen. */
  onStep?: ((step: FoldStep | SettlementStep) => void) | undefined;
}

export interface Settlement extends Runtime {
  /** What keeps batches waiting now; empty when all is well. For the API and `/readyz`. */
  troubles(): readonly PartitionTrouble[];
  /** A readiness check: throws the first trouble. */
  assertUntroubled(): void;
}

export interface PartitionTrouble extends Trouble {
  readonly partition: number;
}

/** Folds charges into batches and moves the money, for every partition that the group gives. */
export async function startSettlement(given: SettlementOptions): Promise<Settlement> {
  const options = { ...given, chain: measureChain(given.metrics, given.chain) };
  const { log, config, logger, metrics } = options;
  const registry = createRegistryWriter(log);
  const board = createTroubleBoard(logger, metrics);
  const instruments = createSettlementInstruments(options);
  const runtime = await startRuntime<Out>({
    log,
    fold: settlementFold,
    groupId: settlementFold.name,
    createSink: () => createLogSink(log, settlementFold.name, { handsOver }),
    openStore: (partition) => openStore(join(options.storeDirectory, partitionFolder(partition))),
    deadLetter: deadLetterOf(settlementFold.name),
    createDriver: (owned) => driverOf(owned, options, { registry, board, instruments }),
    snapshots: { topic: 'snapshots-settlement', intervalMs: config.snapshotIntervalMs },
    checkpointIntervalMs: config.checkpointIntervalMs,
    onFolded: instruments.folded,
    onStep: options.onStep,
    clock: options.clock,
    onFatal: (error) => {
      logger.fatal({ err: error }, 'settlement stopped');
      options.onFatal(error);
    },
    onRestart: (error) => {
      instruments.restarted();
      logger.warn({ err: error }, 'settlement folds again from its last durable position');
    },
  });
  instruments.watch(runtime.standing);
  return {
    progress: runtime.progress,
    standing: runtime.standing,
    troubles: board.all,
    assertUntroubled: () => {
      const [first] = board.all();
      if (first !== undefined) throw fail(first.code, first.detail);
    },
    close: async () => {
      await runtime.close();
      await registry.close();
    },
  };
}

interface DriverParts {
  readonly registry: RegistryWriter;
  readonly board: TroubleBoard;
  readonly instruments: SettlementInstruments;
}

function driverOf(
  owned: OwnedPartition,
  options: SettlementOptions,
  { registry, board, instruments }: DriverParts,
): SettlementDriver {
  const signer = options.signers[owned.partition];
  if (signer === undefined) {
    const detail = `there is no signer for partition ${owned.partition}`;
    throw fail('settlement_signer_unknown', detail);
  }
  const driver = createSettlementDriver(owned, {
    chain: options.chain,
    signer,
    settings: driverSettings(options.chain, options.config),
    clock: options.clock,
    onStep: options.onStep,
    publish: registry.append,
    onTrouble: board.set,
  });
  const forget = instruments.own(owned);
  return {
    ...driver,
    close: async () => {
      forget();
      await driver.close();
      board.set(owned.partition, []);
    },
  };
}

function driverSettings(chain: Chain, config: SettlementConfig): DriverSettings {
  const { batchChargesMax, batchAgeMaxMs, deadlineMarginS, batchesInFlightMax } = config;
  return {
    network: `eip155:${chain.chainId}`,
    finalityDepth: config.finalityDepth,
    pollIntervalMs: config.pollIntervalMs,
    resendAfterMs: config.resendAfterMs,
    bumpAfterMs: config.bumpAfterMs,
    maxFeePerGasWeiMax: BigInt(config.maxFeePerGasWei),
    aloneGasMax: BigInt(config.aloneGasMax),
    lookbackBlocksMax: config.lookbackBlocksMax,
    measureIntervalMs: config.measureIntervalMs,
    batches: { batchChargesMax, batchAgeMaxMs, deadlineMarginS, batchesInFlightMax },
  };
}

interface TroubleBoard {
  set(partition: number, troubles: readonly Trouble[]): void;
  all(): readonly PartitionTrouble[];
}

/** Logs a trouble when it comes and when it goes, not at every poll. */
function createTroubleBoard(logger: Logger, metrics: Metrics): TroubleBoard {
  const byPartition = new Map<number, readonly Trouble[]>();
  const all = (): readonly PartitionTrouble[] =>
    [...byPartition].flatMap(([partition, troubles]) =>
      troubles.map((trouble) => ({ partition, ...trouble })),
    );
  metrics.gauge({
    name: 'paycrawl_settlement_troubles',
    help: 'Partitions whose batches wait, by cause',
    labels: ['code'],
    collect: (gauge) => {
      gauge.reset();
      for (const { code } of all()) gauge.inc({ code });
    },
  });
  return {
    all,
    set: (partition, troubles) => {
      const before = new Set(byPartition.get(partition)?.map(({ code }) => code));
      for (const { code, detail } of troubles) {
        if (!before.delete(code)) logger.error({ partition, code, detail }, 'settlement waits');
      }
      for (const code of before) logger.info({ partition, code }, 'settlement goes on');
      byPartition.set(partition, troubles);
    },
  };
}
