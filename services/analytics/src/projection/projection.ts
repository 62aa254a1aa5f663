import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { generation, physicalTopic } from '@paycrawl/events/topics';
import type { Caused, Sink } from '@paycrawl/fold/fold';
import {
  type PartitionProgress,
  type PartitionStanding,
  type Runtime,
  startRuntime,
} from '@paycrawl/fold/runtime';
import type { FoldStep } from '@paycrawl/fold/steps';
import { openStore } from '@paycrawl/fold/store';
import type { FoldInstruments } from '@paycrawl/service-kit/fold-instruments';
import type { Logger } from '@paycrawl/service-kit/logger';
import type { Telemetry } from '@paycrawl/service-kit/telemetry';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { traceBlock } from './block-spans.js';
import { challengesFold } from './challenges-fold.js';
import { createDeadLetterSink } from './dead-letter-sink.js';
import { decisionsFold } from './decisions-fold.js';
import { createFlusher, type Flusher } from './flusher.js';
import { chargesFold, paymentsFold, registryFold } from './index-folds.js';
import { ledgerFold } from './ledger-fold.js';
import { type EventOutputs, type ProjectionFold, projectionName } from './projection-fold.js';
import { settlementsFold } from './settlements-fold.js';

export const projectionFolds: readonly ProjectionFold[] = [
  challengesFold,
  paymentsFold,
  decisionsFold,
  ledgerFold,
  chargesFold,
  settlementsFold,
  registryFold,
];

export interface ProjectionOptions {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  readonly storeDirectory: string;
  readonly flushIntervalMs: number;
  readonly checkpointIntervalMs: number;
  readonly blockOutputsMax: number;
  readonly engineShareMax: number;
  readonly logger: Logger;
  readonly instruments: FoldInstruments;
  /** Undefined: nothing is traced. */
  readonly telemetry?: Telemetry | undefined;
  clock(): number;
  onFlushed(publishers: ReadonlySet<string>, oldestMs: number): void;
  onFatal(error: unknown): void;
  /** Told after each named step; only tests listen. */
  onStep?: ((step: FoldStep) => void) | undefined;
}

export interface Projection {
  progress(): Promise<PartitionProgress[]>;
  standing(): Promise<PartitionStanding[]>;
  close(): Promise<void>;
}

const retryDelayMs = 500;
const drainMsMax = 3000;
/** Blocks wait for more rows anyway: input may gather too. */
const inputLingerMs = 100;
/**
 * Every block costs 5 to 10 ms a table, whatever is in it. Under load this and one write of it are
 * how long figures take, and they must be seen within 2 s.
 */
const crowdedIntervalMs = 1250;
/**
 * Outputs that all partitions together hold while the warehouse is away, up to 0.5 kB each; what
 * comes after them stays in the log. A partition always takes one batch. Two of them, as where all
 * services share a machine, fill a block.
 */
const outputsHeldMax = 120_000;

/** Folds every topic that analytics reads into the warehouse. */
export async function startProjection(options: ProjectionOptions): Promise<Projection> {
  const { logger, telemetry, instruments } = options;
  const deadLetters = createDeadLetterSink(options.log);
  const flusher = createFlusher({
    warehouse: options.warehouse,
    flushIntervalMs: options.flushIntervalMs,
    blockOutputsMax: options.blockOutputsMax,
    engineShareMax: options.engineShareMax,
    crowdedIntervalMs,
    retryDelayMs,
    writeDeadLetters: async (outputs) => {
      await deadLetters.write(outputs.map(deadLetterOf), 0);
      for (const output of outputs) instruments.deadLettered(codeOf(output));
    },
    onFlushed: options.onFlushed,
    onWritten: telemetry && ((block) => traceBlock(telemetry, block)),
    clock: options.clock,
    onRetry: (error) => logger.warn({ err: error }, 'the warehouse did not take a block; again'),
  });
  const runtimes: Runtime[] = [];
  const outputsWaitingMax = await waitingPerPartition(options.log);
  for (const source of sourcesOf(generation())) {
    runtimes.push(await startFold({ ...options, outputsWaitingMax }, source, flusher));
  }
  const standing = async () =>
    (await Promise.all(runtimes.map((runtime) => runtime.standing()))).flat();
  instruments.watch(standing);
  return {
    progress: async () => (await Promise.all(runtimes.map((runtime) => runtime.progress()))).flat(),
    standing,
    async close() {
      const closing = Promise.all(runtimes.map((runtime) => runtime.close()));
      // What cannot be written in time is folded again by the next owner.
      const isLate = new Promise<void>((resolve) => setTimeout(resolve, drainMsMax).unref());
      await Promise.race([closing, isLate]);
      await flusher.close();
      await closing;
      await deadLetters.close();
    },
  };
}

async function waitingPerPartition(log: EventLog): Promise<number> {
  const topics = new Set(sourcesOf(generation()).map(({ topic }) => topic));
  const partitions = (await log.topics())
    .filter(({ name }) => topics.has(name))
    .reduce((sum, topic) => sum + topic.partitions, 0);
  return Math.max(1, Math.floor(outputsHeldMax / Math.max(1, partitions)));
}

export interface ProjectionSource {
  readonly fold: ProjectionFold;
  readonly topic: string;
}

/**
 * Every topic that is read, of all generations: what was told in an older one stays told, and who
 * rebuilds begins there. Totals belong to their source, so nothing is counted twice (ADR 0007).
 */
export function sourcesOf(inForce: number): ProjectionSource[] {
  const sources = projectionFolds.flatMap((fold) =>
    Array.from({ length: inForce }, (_, index) => ({
      fold,
      topic: physicalTopic(fold.input, index + 1),
    })),
  );
  // Topics of one partition have one name in all generations.
  return [...new Map(sources.map((source) => [source.topic, source])).values()];
}

function startFold(
  options: ProjectionOptions & { readonly outputsWaitingMax: number },
  { fold, topic }: ProjectionSource,
  flusher: Flusher,
): Promise<Runtime> {
  const sink: Sink<EventOutputs> = {
    isAnyOrder: true,
    write: (outputs) => flusher.add(outputs),
    close: async () => {},
  };
  return startRuntime<EventOutputs>({
    log: options.log,
    ...{ fold, topic },
    // One group for each topic: members of one group must subscribe to the same topics.
    groupId: `${projectionName}-${fold.input}`,
    createSink: () => sink,
    openStore: (partition) => {
      const directory = join(options.storeDirectory, topic, String(partition));
      mkdirSync(directory, { recursive: true });
      return openStore(directory);
    },
    deadLetter: (record, code, detail) => [
      {
        table: 'dead-letters',
        record: { code, detail, key: record.key, valueBase64: record.value.toString('base64') },
      },
    ],
    checkpointIntervalMs: options.checkpointIntervalMs,
    inputLingerMs,
    outputsWaitingMax: options.outputsWaitingMax,
    onStep: options.onStep,
    clock: options.clock,
    onFatal: options.onFatal,
    onRestart: (error) => {
      options.instruments.restarted();
      options.logger.warn({ err: error, topic }, 'folding again');
    },
  });
}

function deadLetterOf(caused: Caused<EventOutputs>): Parameters<LogSinkWrite>[0][number] {
  const { output, cause } = caused;
  const [topic, partition, offset] = cause;
  const deadLetter = output.find((one) => one.table === 'dead-letters');
  const unknown = { code: 'internal', detail: '', key: '', valueBase64: '' };
  const { code, detail, key, valueBase64 } = deadLetter?.record ?? unknown;
  const data = {
    ...{ consumer: projectionName, code, topic, partition, offset, valueBase64 },
    detail: detail.slice(0, 1000),
    key: key.slice(0, 1000),
  };
  return {
    ...caused,
    output: {
      topic: 'dead-letters',
      key: `${topic}/${partition}`,
      type: 'RecordDeadLettered',
      data,
    },
  };
}

function codeOf({ output }: Caused<EventOutputs>): string {
  return output.find((one) => one.table === 'dead-letters')?.record.code ?? 'internal';
}

type LogSinkWrite = ReturnType<typeof createDeadLetterSink>['write'];
