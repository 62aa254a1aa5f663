import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, LogRecord, TopicPartition } from '@paycrawl/event-log/event-log';
import { type EventOfType, encodeEvent } from '@paycrawl/events/event';
import { generationOf } from '@paycrawl/events/topics';
import { decodeEntity } from './entity.js';
import { readTimer } from './timers.js';
import type { Working } from './view.js';

/** An entity as its store keeps it, and a time. */
export type StoredEntry = readonly [key: string, value: Buffer];

export interface Seed {
  /** The name of the fold that takes it. */
  readonly fold: string;
  readonly generation: number;
  /** Log time that the new partition begins at, at least. */
  readonly nowMs: number;
  readonly entries: Iterable<StoredEntry>;
}

type Seeded = EventOfType<'PartitionSeeded'>['data'];
type Chunk = { key: string; value: string }[];

const chunkBytesMax = 192 * 1024;
/** Set once all chunks of this fold were taken; what comes later is a repetition. */
const seededKey = '~g';
/** How many chunks were taken, until all were. */
const takenKey = '~g/taken';

/** Appends the state that a fold begins with; a second time changes nothing (ADR 0007). */
export async function writeSeed(log: EventLog, target: TopicPartition, seed: Seed): Promise<void> {
  const chunks = chunksOf(seed.entries);
  const { fold, generation, nowMs } = seed;
  const producer = log.producer();
  try {
    for (const [seq, entries] of chunks.entries()) {
      const data = { fold, generation, seq, of: chunks.length, nowMs, entries };
      const id = `seed/${generation}/${target.partition}/${fold}/${seq}`;
      const value = encodeEvent({
        ...{ type: 'PartitionSeeded', id, source: 'migrate', timeMs: nowMs, data },
      });
      await producer.append([{ ...target, key: 'seed', value }]);
    }
  } finally {
    await producer.close();
  }
}

/** At least one, so that also an empty state is known to be whole. */
function chunksOf(entries: Iterable<StoredEntry>): Chunk[] {
  const chunks: Chunk[] = [[]];
  let bytes = 0;
  for (const [key, stored] of entries) {
    const value = stored.toString('base64');
    if (bytes > chunkBytesMax) {
      chunks.push([]);
      bytes = 0;
    }
    chunks.at(-1)?.push({ key, value });
    bytes += key.length + value.length;
  }
  return chunks;
}

/** Takes one chunk; whosever it is, time does not go back behind it. */
export function applySeed<Out>(
  fold: { readonly name: string },
  { view, begin }: Working<Out>,
  data: Seeded,
): void {
  begin(Math.max(view.nowMs, data.nowMs));
  if (data.fold !== fold.name || view.get(seededKey) !== undefined) return;
  const taken = view.get<number>(takenKey) ?? 0;
  if (data.seq > taken) {
    throw fail('fold_seed_missing', `${fold.name}: chunk ${data.seq} of ${data.of} after ${taken}`);
  }
  for (const { key, value } of data.entries) {
    const timer = readTimer(key);
    if (timer === undefined) view.set(key, decodeEntity(Buffer.from(value, 'base64')));
    else view.setTimer(timer.key, timer.atMs);
  }
  if (data.seq === data.of - 1) {
    view.set(seededKey, data.generation);
    view.delete(takenKey);
  } else {
    // One that comes again, after a migration that was killed, does not take the count back.
    view.set(takenKey, Math.max(taken, data.seq + 1));
  }
}

/**
 * Before the first record that is no seed: in a later generation a fold that begins with nothing
 * would take every nonce for unused and every charge for new.
 */
export function checkSeeded<Out>(
  fold: { readonly name: string; readonly isSeeded?: boolean },
  { view }: Working<Out>,
  { topic, partition, offset }: Pick<LogRecord, 'topic' | 'partition' | 'offset'>,
): void {
  if (fold.isSeeded !== true || generationOf(topic) === 1) return;
  if (view.get(seededKey) !== undefined) return;
  const taken = view.get<number>(takenKey) ?? 0;
  const detail = `${fold.name}: ${topic}/${partition}/${offset} follows ${taken} chunks of a seed`;
  throw fail('fold_seed_missing', detail);
}
