import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, TopicPartition } from '@paycrawl/event-log/event-log';
import { generation } from '@paycrawl/events/topics';
import { createPartition, type Partition } from '@paycrawl/fold/partition';
import { openStore, type Store } from '@paycrawl/fold/store';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { createFlusher, type Flusher } from '../projection/flusher.js';
import { sourcesOf } from '../projection/projection.js';
import type { EventOutputs, ProjectionFold } from '../projection/projection-fold.js';

/** How far a source was folded, and what of it just now. */
export interface Folded {
  readonly records: number;
  readonly nextOffset: number;
}

/** Folds sources again, each from its first record on. */
export interface SourceFolder {
  /** Up to where the log ends now, and written; one source at a time. */
  foldToEnd(source: TopicPartition): Promise<Folded>;
  close(): Promise<void>;
}

export interface SourceFolderOptions {
  readonly log: EventLog;
  readonly warehouse: Pick<Warehouse, 'insert'>;
  /** For the state of the folds. */
  readonly storeDirectory: string;
  /** What was folded cannot be written or stored: this folder is finished. */
  onBroken(error: unknown): void;
}

const flushIntervalMs = 20;
/** Larger than those of a projection that runs: nobody waits, and each costs the engine some ms a table. */
const blockOutputsMax = 50_000;
const engineShareMax = 1;
const retryDelayMs = 500;
const batchRecords = 400;
/** A state that is not stored is held in memory. */
const checkpointRecords = 50_000;
/** Folded while the engine takes the block before; about 1 kB each. */
const outputsWaitingMax = 100_000;

interface Refolding extends TopicPartition {
  readonly folding: Partition<EventOutputs>;
  readonly store: Store;
  nextOffset: number;
}

export function createSourceFolder(options: SourceFolderOptions): SourceFolder {
  const flusher = createFlusher({
    ...{ flushIntervalMs, blockOutputsMax, engineShareMax, retryDelayMs },
    warehouse: options.warehouse,
    // They stand in the topic of dead letters since their records were read first.
    writeDeadLetters: async () => {},
  });
  const begun = new Map<string, Refolding>();
  return {
    async foldToEnd(source) {
      const key = sourceKey(source);
      const one = begun.get(key) ?? beginRefolding(options, flusher, source);
      begun.set(key, one);
      const records = await refoldToEnd(options.log, one);
      return { records, nextOffset: one.nextOffset };
    },
    async close() {
      await flusher.close();
      await Promise.all([...begun.values()].map(({ store }) => store.close()));
    },
  };
}

export function sourceKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function beginRefolding(
  { storeDirectory, onBroken }: SourceFolderOptions,
  flusher: Flusher,
  source: TopicPartition,
): Refolding {
  const { topic, partition } = source;
  const directory = join(storeDirectory, topic, String(partition));
  mkdirSync(directory, { recursive: true });
  const store = openStore(directory);
  const folding = createPartition<EventOutputs>({
    ...{ fold: foldOf(topic), partition, store, onBroken, outputsWaitingMax },
    sink: { isAnyOrder: true, write: (outputs) => flusher.add(outputs), close: async () => {} },
    deadLetter: () => [],
  });
  return { topic, partition, folding, store, nextOffset: folding.nextOffset };
}

function foldOf(topic: string): ProjectionFold {
  const source = sourcesOf(generation()).find((one) => one.topic === topic);
  if (source !== undefined) return source.fold;
  throw fail('warehouse_rebuild_impossible', `${topic} is not projected`);
}

async function refoldToEnd(log: EventLog, one: Refolding): Promise<number> {
  const { topic, partition, folding } = one;
  const { next } = await log.offsets({ topic, partition });
  let records = 0;
  let sinceCheckpoint = 0;
  while (one.nextOffset < next) {
    const batch = await log.read({ topic, partition }, one.nextOffset, batchRecords);
    const last = batch.at(-1);
    if (last === undefined) break;
    await folding.fold(batch);
    one.nextOffset = last.offset + 1;
    records += batch.length;
    sinceCheckpoint += batch.length;
    if (sinceCheckpoint < checkpointRecords) continue;
    // Nobody waits for the engine: what it has not taken yet is stored by a later turn.
    if ((await folding.checkpoint()) !== undefined) sinceCheckpoint = 0;
  }
  await folding.drained();
  while ((await folding.checkpoint()) !== undefined);
  return records;
}
