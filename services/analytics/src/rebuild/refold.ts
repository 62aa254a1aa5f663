import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, TopicPartition } from '@paycrawl/event-log/event-log';
import { generation, topicDefinitions } from '@paycrawl/events/topics';
import { createPartition, type Partition } from '@paycrawl/fold/partition';
import { openStore, type Store } from '@paycrawl/fold/store';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import type { Flusher } from '../projection/flusher.js';
import { sourcesOf } from '../projection/projection.js';
import type { EventOutputs, ProjectionFold } from '../projection/projection-fold.js';

const batchRecords = 400;
/** A state that is not stored is held in memory. */
const checkpointRecords = 50_000;
/** Folded while the engine takes the block before; about 1 kB each. */
const outputsWaitingMax = 60_000;

/** One topic-partition that is folded again from its first record. */
export interface Refolding extends TopicPartition {
  readonly folding: Partition<EventOutputs>;
  readonly store: Store;
  nextOffset: number;
}

export interface Sources {
  readonly refolded: readonly (TopicPartition & { readonly fold: ProjectionFold })[];
  /** The log forgot their beginning: `topic/partition`. */
  readonly carried: readonly string[];
}

export async function findSources(log: EventLog): Promise<Sources> {
  const counts = new Map((await log.topics()).map(({ name, partitions }) => [name, partitions]));
  const refolded: (TopicPartition & { fold: ProjectionFold })[] = [];
  const carried: string[] = [];
  for (const { fold, topic } of sourcesOf(generation())) {
    for (let partition = 0; partition < (counts.get(topic) ?? 0); partition += 1) {
      const { earliest } = await log.offsets({ topic, partition });
      if (earliest === 0) refolded.push({ topic, partition, fold });
      else if (topicDefinitions[fold.input].retention === 'a_time') {
        carried.push(`${topic}/${partition}`);
      } else {
        const detail = `${topic}/${partition} begins at ${earliest}: its history is not in this log`;
        throw fail('warehouse_rebuild_impossible', detail);
      }
    }
  }
  return { refolded, carried };
}

/**
 * Is this the log that the served tables tell of? Another one (a wrong data folder, a topic of an
 * older generation) would replace them by something smaller, and nothing compared would differ.
 */
export async function checkSameLog(
  log: EventLog,
  warehouse: Warehouse,
  { refolded, carried }: Sources,
): Promise<void> {
  const known = new Map<string, TopicPartition>();
  for (const place of refolded) known.set(`${place.topic}/${place.partition}`, place);
  const served = await warehouse.query<{ topic: string; partition: number; newest: string }>(
    `SELECT log_topic AS topic, log_partition AS partition, max(log_offset) AS newest
     FROM event_index GROUP BY topic, partition`,
  );
  for (const { topic, partition, newest } of served) {
    const source = `${topic}/${partition}`;
    if (carried.includes(source)) continue;
    const place = known.get(source);
    const next = place === undefined ? 0 : (await log.offsets(place)).next;
    if (BigInt(newest) < BigInt(next)) continue;
    const detail = `${source} is served up to ${newest}; this log has it up to ${next}`;
    throw fail('warehouse_rebuild_impossible', detail);
  }
}

export interface RefoldOptions {
  readonly flusher: Flusher;
  readonly storeDirectory: string;
  onBroken(error: unknown): void;
}

export function beginRefolding(
  { flusher, storeDirectory, onBroken }: RefoldOptions,
  { topic, partition, fold }: Sources['refolded'][number],
): Refolding {
  const directory = join(storeDirectory, topic, String(partition));
  mkdirSync(directory, { recursive: true });
  const store = openStore(directory);
  const folding = createPartition<EventOutputs>({
    ...{ fold, partition, store, onBroken, outputsWaitingMax },
    sink: { isAnyOrder: true, write: (outputs) => flusher.add(outputs), close: async () => {} },
    // It stands in the topic of dead letters since it was read first.
    deadLetter: () => [],
  });
  return { topic, partition, folding, store, nextOffset: folding.nextOffset };
}

/** Folds everything up to where the log ends now, and writes it. Returns how many records. */
export async function refoldToEnd(log: EventLog, all: readonly Refolding[]): Promise<number> {
  let records = 0;
  for (const one of all) {
    const { topic, partition, folding } = one;
    const { next } = await log.offsets({ topic, partition });
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
  }
  return records;
}
