import { createHash, type Hash } from 'node:crypto';
import type { EventLog, LogRecord, TopicPartition } from '@paycrawl/event-log/event-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import { Packr } from 'msgpackr';
import { packForNow } from './entity.js';
import { deadLetterOf } from './log-sink.js';
import type { Store, StoredPosition } from './store.js';

/**
 * A snapshot for another machine: chunks of entries in key order, then a manifest with position
 * and hash. The topic is plain and kept for a time; a new owner takes the complete manifest with
 * the highest position. Two owners at one position write equal bytes, so a chunk may stand twice.
 */
type SnapshotRecord =
  | { readonly kind: 'chunk'; readonly at: number; readonly seq: number; readonly entries: Entry[] }
  | {
      readonly kind: 'manifest';
      readonly at: number;
      readonly chunks: number;
      readonly hash: string;
      readonly position: StoredPosition;
    };
type Entry = [key: string, value: Buffer];

type Manifest = SnapshotRecord & { readonly kind: 'manifest' };

/** A manifest and where it stands. */
interface Located {
  readonly manifest: Manifest;
  readonly record: LogRecord;
}

const chunkBytesMax = 256 * 1024;
const readRecordsMax = 64;
/** So that a large state is written while its next part is read, and little of it is in memory. */
const appendsInFlightMax = 8;
/**
 * A zombie ends after the snapshot that it was writing, so the highest position is among the last
 * few; what lies before them is only looked at when none of them is complete.
 */
const lookBackSnapshots = 8;
const packr = new Packr({ useRecords: false });

/** Writes the state of the store as it stands at its stored position; returns that. */
export async function writeSnapshot(
  log: EventLog,
  target: TopicPartition,
  store: Store,
): Promise<StoredPosition> {
  const { position, entries } = store.snapshot();
  const at = position.nextOffset;
  const producer = log.producer();
  const hash = createHash('sha256');
  const appending: Promise<unknown>[] = [];
  let chunks = 0;
  const append = async (record: SnapshotRecord): Promise<void> => {
    const value = Buffer.from(packForNow(packr, record));
    const appended = producer.append([{ ...target, key: String(at), value }]);
    // Awaited below; a failure meanwhile is no unhandled one.
    appended.catch(() => undefined);
    appending.push(appended);
    if (appending.length >= appendsInFlightMax) await appending.shift();
    await breathe();
  };
  try {
    for (const chunk of chunksOf(entries)) {
      hashChunk(hash, chunk);
      await append({ kind: 'chunk', at, seq: chunks++, entries: chunk });
    }
    await append({ kind: 'manifest', at, chunks, hash: hash.digest('hex'), position });
    await Promise.all(appending);
    return position;
  } finally {
    await producer.close();
  }
}

/** Who waits for an answer has a turn after each chunk, however large the state is. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** One after the other, as the bytes of one text; a call for each would cost more than the hash. */
function hashChunk(hash: Hash, entries: readonly Entry[]): void {
  let bytes = 0;
  for (const [key, value] of entries) bytes += key.length + value.length;
  const whole = Buffer.allocUnsafe(bytes);
  let at = 0;
  // Keys are ASCII.
  for (const [key, value] of entries) {
    at += whole.write(key, at, 'latin1');
    at += value.copy(whole, at);
  }
  hash.update(whole);
}

function* chunksOf(entries: Iterable<Entry>): Generator<Entry[]> {
  let chunk: Entry[] = [];
  let bytes = 0;
  for (const [key, value] of entries) {
    chunk.push([key, value]);
    bytes += key.length + value.length;
    if (bytes < chunkBytesMax) continue;
    yield chunk;
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) yield chunk;
}

/** Brings the store to the newest complete snapshot, unless it stands there or further already. */
export async function restoreSnapshot(
  log: EventLog,
  source: TopicPartition,
  store: Store,
  onUnreadable: (record: LogRecord) => void = () => {},
): Promise<void> {
  const aboveOffset = store.position().nextOffset;
  const found = await newestComplete(log, source, aboveOffset, onUnreadable);
  if (found !== undefined) await store.replace(found.manifest.position, entriesOf(found));
}

function* entriesOf({ chunks }: Complete): Generator<Entry> {
  for (const { entries } of chunks) yield* entries;
}

/** The records of the newest complete snapshot; none where there is none. */
export async function newestSnapshot(log: EventLog, source: TopicPartition): Promise<LogRecord[]> {
  const found = await newestComplete(log, source, -1, () => {});
  if (found === undefined) return [];
  return [...found.chunks.map(({ record }) => record), found.record];
}

interface Complete extends Located {
  /** In order. */
  readonly chunks: readonly ReadChunk[];
}

interface ReadChunk {
  readonly record: LogRecord;
  /** Views of the record. */
  readonly entries: readonly Entry[];
}

/** The complete one with the highest position above `aboveOffset`. */
async function newestComplete(
  log: EventLog,
  source: TopicPartition,
  aboveOffset: number,
  onUnreadable: (record: LogRecord) => void,
): Promise<Complete | undefined> {
  const firstComplete = async (located: readonly Located[]): Promise<Complete | undefined> => {
    for (const one of [...located].sort((a, b) => b.manifest.at - a.manifest.at)) {
      if (one.manifest.at <= aboveOffset) return undefined;
      const chunks = await chunksBefore(log, source, one);
      if (chunks !== undefined) return { ...one, chunks };
    }
    return undefined;
  };
  let looked: Located[] = [];
  for await (const one of manifestsBackward(log, source, onUnreadable)) {
    looked.push(one);
    if (looked.length < lookBackSnapshots) continue;
    const found = await firstComplete(looked);
    if (found !== undefined) return found;
    // The store stands further than all of these, and what is older is no newer.
    if (looked.every(({ manifest }) => manifest.at <= aboveOffset)) return undefined;
    looked = [];
  }
  return firstComplete(looked);
}

/**
 * Manifests, the last one first. The chunks of a snapshot mostly stand side by side before its
 * manifest and are passed over unread, so a start does not read states that it has no use for.
 */
async function* manifestsBackward(
  log: EventLog,
  source: TopicPartition,
  onUnreadable: (record: LogRecord) => void,
): AsyncGenerator<Located> {
  const { earliest, next } = await log.offsets(source);
  for (let offset = next - 1; offset >= earliest; offset -= 1) {
    const [record] = await log.read(source, offset, 1);
    // What was kept a moment ago has expired, and all before it.
    if (record === undefined || record.offset > offset) return;
    const read = recordOf(record.value);
    if (read === undefined) {
      onUnreadable({ ...record, value: Buffer.from(record.value) });
      continue;
    }
    if (read.kind === 'manifest') yield { manifest: read, record };
    const first = offset - (read.kind === 'manifest' ? read.chunks : read.seq);
    if (first >= earliest && (await isFirstChunk(log, source, first, read.at))) offset = first;
  }
}

async function isFirstChunk(
  log: EventLog,
  source: TopicPartition,
  offset: number,
  at: number,
): Promise<boolean> {
  const [record] = await log.read(source, offset, 1);
  const read = record?.offset === offset ? recordOf(record.value) : undefined;
  return read?.kind === 'chunk' && read.at === at && read.seq === 0;
}

/** Undefined when a chunk is missing or the hash differs (a torn snapshot). */
async function chunksBefore(
  log: EventLog,
  source: TopicPartition,
  { manifest, record: { offset: end } }: Located,
): Promise<ReadChunk[] | undefined> {
  const { at, chunks, hash } = manifest;
  const { earliest } = await log.offsets(source);
  const found = new Map<number, ReadChunk>();
  // Another owner at the same position may have written in between, or the same once more.
  const spans = [chunks, 2 * chunks, 4 * chunks + readRecordsMax];
  for (const span of spans) {
    for await (const record of recordsBetween(log, source, Math.max(earliest, end - span), end)) {
      const read = recordOf(record.value);
      if (read?.kind !== 'chunk' || read.at !== at) continue;
      found.set(read.seq, { record, entries: read.entries });
    }
    if (found.size >= chunks) break;
  }
  const whole = createHash('sha256');
  const inOrder: ReadChunk[] = [];
  for (let seq = 0; seq < chunks; seq++) {
    const chunk = found.get(seq);
    if (chunk === undefined) return undefined;
    hashChunk(whole, chunk.entries);
    inOrder.push(chunk);
    await breathe();
  }
  return whole.digest('hex') === hash ? inOrder : undefined;
}

async function* recordsBetween(
  log: EventLog,
  source: TopicPartition,
  from: number,
  end: number,
): AsyncGenerator<LogRecord> {
  for (let offset = from; offset < end; ) {
    const records = await log.read(source, offset, Math.min(readRecordsMax, end - offset));
    // A copy each: what is read may be a view of much more.
    for (const record of records) yield { ...record, value: Buffer.from(record.value) };
    offset = (records.at(-1)?.offset ?? end) + 1;
  }
}

/** A record that cannot be read leaves its snapshot torn; the one before it is taken then. */
function recordOf(value: Buffer): SnapshotRecord | undefined {
  try {
    const record = packr.unpack(value) as SnapshotRecord;
    return record.kind === 'chunk' || record.kind === 'manifest' ? record : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Bytes in a snapshot topic that are no snapshot. Every owner meets them, so the id is that of
 * their place: whoever reads dead letters takes each place once.
 */
export async function setAside(
  log: EventLog,
  records: readonly LogRecord[],
  consumer: string,
  nowMs: number,
): Promise<void> {
  if (records.length === 0) return;
  const deadLetter = deadLetterOf(consumer);
  const producer = log.producer();
  try {
    for (const record of records) {
      const { key, type, data } = deadLetter(record, 'record_unreadable', 'not a snapshot');
      const id = `${record.topic}/${record.partition}/${record.offset}`;
      const event = { type, id, source: consumer, timeMs: nowMs, data } as AnyEvent;
      const place = { topic: physicalTopic('dead-letters'), partition: 0 };
      await producer.append([{ ...place, key, value: encodeEvent(event) }]);
    }
  } finally {
    await producer.close();
  }
}
