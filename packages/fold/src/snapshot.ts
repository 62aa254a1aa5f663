import { createHash } from 'node:crypto';
import type { EventLog, LogRecord, TopicPartition } from '@paycrawl/event-log/event-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import { Packr } from 'msgpackr';
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

const chunkBytesMax = 256 * 1024;
const readRecordsMax = 64;
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
  let chunks = 0;
  const append = async (record: SnapshotRecord): Promise<void> => {
    const value = Buffer.from(packr.pack(record));
    await producer.append([{ ...target, key: String(at), value }]);
  };
  try {
    for (const chunk of chunksOf(entries)) {
      for (const [key, value] of chunk) hash.update(key).update(value);
      await append({ kind: 'chunk', at, seq: chunks++, entries: chunk });
    }
    await append({ kind: 'manifest', at, chunks, hash: hash.digest('hex'), position });
    return position;
  } finally {
    await producer.close();
  }
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
  const manifests = new Map<number, SnapshotRecord & { kind: 'manifest' }>();
  for await (const record of snapshotRecords(log, source, onUnreadable)) {
    if (record.kind === 'manifest') manifests.set(record.at, record);
  }
  const candidates = [...manifests.values()]
    .filter((manifest) => manifest.at > store.position().nextOffset)
    .sort((a, b) => b.at - a.at);
  for (const manifest of candidates) {
    const entries = await entriesOf(log, source, manifest);
    if (entries === undefined) continue;
    await store.replace(manifest.position, entries);
    return;
  }
}

/** The records of the newest complete snapshot; none where there is none. */
export async function newestSnapshot(log: EventLog, source: TopicPartition): Promise<LogRecord[]> {
  const manifests = new Map<number, SnapshotRecord & { kind: 'manifest' }>();
  for await (const record of snapshotRecords(log, source)) {
    if (record.kind === 'manifest') manifests.set(record.at, record);
  }
  for (const manifest of [...manifests.values()].sort((a, b) => b.at - a.at)) {
    if ((await entriesOf(log, source, manifest)) === undefined) continue;
    return recordsAt(log, source, manifest.at);
  }
  return [];
}

async function recordsAt(log: EventLog, source: TopicPartition, at: number): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  const { earliest, next } = await log.offsets(source);
  for (let offset = earliest; offset < next; ) {
    const records = await log.read(source, offset, readRecordsMax);
    // A copy each: what is read may be a view of much more.
    for (const record of records) {
      if (recordOf(record.value)?.at === at)
        found.push({ ...record, value: Buffer.from(record.value) });
    }
    offset = (records.at(-1)?.offset ?? next) + 1;
  }
  return found;
}

/** The entries, or undefined when a chunk is missing or the hash differs (a torn snapshot). */
async function entriesOf(
  log: EventLog,
  source: TopicPartition,
  manifest: SnapshotRecord & { kind: 'manifest' },
): Promise<Entry[] | undefined> {
  const chunks = new Map<number, Entry[]>();
  for await (const record of snapshotRecords(log, source)) {
    if (record.kind === 'chunk' && record.at === manifest.at)
      chunks.set(record.seq, record.entries);
  }
  const hash = createHash('sha256');
  const entries: Entry[] = [];
  for (let seq = 0; seq < manifest.chunks; seq++) {
    for (const [key, value] of chunks.get(seq) ?? []) {
      hash.update(key).update(value);
      entries.push([key, value]);
    }
  }
  return hash.digest('hex') === manifest.hash ? entries : undefined;
}

async function* snapshotRecords(
  log: EventLog,
  source: TopicPartition,
  onUnreadable: (record: LogRecord) => void = () => {},
): AsyncGenerator<SnapshotRecord> {
  const { earliest, next } = await log.offsets(source);
  for (let offset = earliest; offset < next; ) {
    const records = await log.read(source, offset, readRecordsMax);
    if (records.length === 0) return;
    for (const record of records) {
      const read = recordOf(record.value);
      if (read === undefined) onUnreadable(record);
      else yield read;
    }
    offset = (records.at(-1)?.offset ?? next) + 1;
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
