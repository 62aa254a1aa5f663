import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { LogRecord, NewRecord } from '../event-log.js';
import type { MutableAppended, Pending } from '../producer.js';
import {
  type ChunkWriter,
  chunkKey,
  chunkWriter,
  decodeHead,
  encodeChunk,
  encodeHead,
  type Head,
  headKey,
} from './layout.js';
import { keepRecent } from './recent.js';
import { headBytes, reopenSegment, type SegmentDatabase } from './segment.js';
import { segmentMsOf } from './settings.js';
import { activeSegment, advance, recentOf, refresh, type TopicStore } from './topic-store.js';
import { transact } from './transact.js';

/** All producers of this process to one topic: one queue, at most one transaction in flight. */
export interface TopicWriter {
  readonly store: TopicStore;
  readonly chunks: ChunkWriter;
  readonly lanes: Lane[];
  /** Ends the wait for company: somebody waits for a record. */
  hurry: (() => void) | undefined;
  queue: Pending[];
  committing: Promise<void> | undefined;
  /** LMDB refused a commit: the environment is opened anew before the next one. */
  needsReopen: boolean;
  reopening: Promise<void> | undefined;
}

/** What the next transaction appends to one partition. */
interface Lane {
  records: NewRecord[];
  appended: MutableAppended[];
}

/** What a transaction appended to one partition. */
interface Run {
  readonly partition: number;
  readonly records: readonly NewRecord[];
  readonly baseOffset: number;
  readonly timestampMs: number;
}

const transactionRecordsMax = 20_000;
const loneSurrogate = /\p{Surrogate}/u;

export function createTopicWriter(store: TopicStore): TopicWriter {
  const lanes = Array.from({ length: store.config.partitions }, () => ({
    records: [],
    appended: [],
  }));
  const chunks = chunkWriter();
  return {
    store,
    chunks,
    lanes,
    queue: [],
    committing: undefined,
    needsReopen: false,
    reopening: undefined,
    hurry: undefined,
  };
}

export function enqueue(writer: TopicWriter, pending: Pending): void {
  writer.queue.push(pending);
  if (writer.committing === undefined) writer.committing = commitAll(writer);
  else if (pending.producer.lingerMs === 0) writer.hurry?.();
}

/** Resolves when nothing that was enqueued before waits any more. */
export async function drainWriter(writer: TopicWriter): Promise<void> {
  while (writer.committing !== undefined) await writer.committing;
}

async function commitAll(writer: TopicWriter): Promise<void> {
  // Appends of the same turn share the transaction; also, `committing` is set before any failure.
  await undefined;
  while (writer.queue.length > 0) {
    await company(writer);
    await commitOnce(writer);
  }
  writer.committing = undefined;
}

/** Waits while nobody waits for what is queued: every commit costs a sync. */
async function company(writer: TopicWriter): Promise<void> {
  let lingerMs = Number.POSITIVE_INFINITY;
  for (const { producer } of writer.queue) {
    if (producer.lingerMs === 0) return;
    lingerMs = Math.min(lingerMs, producer.lingerMs);
  }
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, lingerMs);
    writer.hurry = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  writer.hurry = undefined;
}

type Outcome = 'committed' | 'sealed';

/** What a transaction took from the queue; given up when it is late, so that it writes nothing. */
interface Batch {
  readonly pending: Pending[];
  readonly runs: Run[];
  isGivenUp: boolean;
}

async function commitOnce(writer: TopicWriter): Promise<void> {
  const { store } = writer;
  const batch: Batch = { pending: [], runs: [], isGivenUp: false };
  try {
    await withDeadline(store.settings.commitTimeoutMs, () => commitBatch(writer, batch));
  } catch (cause) {
    batch.isGivenUp = true;
    failBatch(writer, batch.pending, cause);
    return;
  }
  announce(writer, batch);
}

async function commitBatch(writer: TopicWriter, batch: Batch): Promise<void> {
  const { store } = writer;
  if (writer.needsReopen) await reopen(writer);
  for (;;) {
    const outcome = await commitTo(writer, activeSegment(store).db, batch);
    if (outcome === 'committed') return;
    refresh(store);
    advance(store);
  }
}

async function commitTo(writer: TopicWriter, db: SegmentDatabase, batch: Batch): Promise<Outcome> {
  try {
    return await transact(db, () => writeBatch(writer, db, batch));
  } catch (error) {
    // A batch that was given up was late, not refused: nothing is wrong with the environment.
    if (!batch.isGivenUp) writer.needsReopen = true;
    throw error;
  }
}

async function reopen(writer: TopicWriter): Promise<void> {
  const { store } = writer;
  writer.reopening ??= reopenSegment(activeSegment(store), store.settings.mapBytes);
  try {
    await writer.reopening;
    writer.needsReopen = false;
  } finally {
    writer.reopening = undefined;
  }
}

/** A frozen process may hold the lock: whoever appends is told so instead of waiting for ever. */
async function withDeadline(deadlineMs: number, work: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(fail('log_unavailable', 'The event log did not commit in time.'));
    }, deadlineMs);
  });
  try {
    await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The queue is taken inside the transaction, not before: whatever came while the lock was being
 * taken shares the sync. A repeat after `sealed` finds the batch filled and writes the same.
 */
function writeBatch(writer: TopicWriter, db: SegmentDatabase, batch: Batch): Outcome {
  if (batch.isGivenUp) throw fail('log_unavailable', 'Given up before it could be written.');
  const { settings, config } = writer.store;
  const head = decodeHead(headBytes(activeSegment(writer.store)));
  if (head.sealed) return 'sealed';
  const nowMs = Math.floor(settings.clock());
  const isOld = nowMs - head.createdMs >= segmentMsOf(settings, config.retentionMs);
  if (head.bytes > 0 && (isOld || head.bytes >= settings.segmentBytesMax)) {
    head.sealed = true;
    db.put(headKey, encodeHead(head));
    return 'sealed';
  }
  if (batch.pending.length === 0) takeQueue(writer, batch.pending);
  fillLanes(writer, batch.pending);
  const written: Buffer[] = [];
  try {
    writeLanes(writer, db, head, nowMs, batch.runs, written);
    db.put(headKey, encodeHead(head));
  } catch (error) {
    // A callback that throws does not undo its puts: take them back, or fail the whole commit.
    for (const key of written) db.remove(key);
    throw error;
  } finally {
    for (const lane of writer.lanes) {
      lane.records = [];
      lane.appended = [];
    }
  }
  return 'committed';
}

function takeQueue(writer: TopicWriter, batch: Pending[]): void {
  const { queue } = writer;
  let records = 0;
  let taken = 0;
  while (taken < queue.length && records < transactionRecordsMax) {
    const pending = queue[taken];
    if (pending === undefined) break;
    taken += 1;
    if (pending.producer.dead !== undefined) {
      pending.reject(pending.producer.dead);
      continue;
    }
    records += pending.records.length;
    batch.push(pending);
  }
  writer.queue = taken === queue.length ? [] : queue.slice(taken);
}

function fillLanes(writer: TopicWriter, batch: readonly Pending[]): void {
  for (const { records, appended } of batch) {
    for (let i = 0; i < records.length; i += 1) {
      const record = records[i];
      const place = appended[i];
      if (record === undefined || place === undefined) continue;
      const lane = writer.lanes[record.partition];
      lane?.records.push(record);
      lane?.appended.push(place);
    }
  }
}

function writeLanes(
  writer: TopicWriter,
  db: SegmentDatabase,
  head: Head,
  nowMs: number,
  runs: Run[],
  written: Buffer[],
): void {
  for (let partition = 0; partition < writer.lanes.length; partition += 1) {
    const lane = writer.lanes[partition];
    if (lane === undefined || lane.records.length === 0) continue;
    const timestampMs = Math.max(head.lastMs[partition] ?? 0, nowMs);
    const base = head.next[partition] ?? 0;
    runs.push({ partition, records: lane.records, baseOffset: base, timestampMs });
    let from = 0;
    while (from < lane.records.length) {
      const { records, appended } = lane;
      const baseOffset = base + from;
      const chunk = encodeChunk(writer.chunks, records, appended, from, baseOffset, timestampMs);
      const key = chunkKey(partition, baseOffset);
      db.put(key, writer.chunks.scratch.subarray(0, chunk.bytes));
      written.push(key);
      head.bytes += chunk.bytes;
      from = chunk.to;
    }
    head.next[partition] = base + from;
    head.lastMs[partition] = timestampMs;
  }
}

function announce(writer: TopicWriter, { pending, runs }: Batch): void {
  const { store } = writer;
  const { name } = store.config;
  for (const one of pending) one.resolve();
  for (const run of runs) {
    const { partition, baseOffset } = run;
    const rungAt = store.rungAt[partition] ?? 0;
    // Somebody else's records stand between ours.
    if (baseOffset > rungAt) store.isShared = true;
    store.rungAt[partition] = Math.max(rungAt, baseOffset + run.records.length);
    if (store.waiters.count(name, partition) === 0) continue;
    keepRecent(recentOf(store, partition), logRecordsOf(run));
    store.waiters.ring(name, partition);
  }
}

/** As a reader would decode them, without reading. */
function logRecordsOf({ records, baseOffset, timestampMs }: Run): LogRecord[] {
  return records.map(({ topic, partition, key, value }, index) => ({
    topic,
    partition,
    key: asStored(key),
    value,
    offset: baseOffset + index,
    timestampMs,
  }));
}

/** What UTF-8 cannot say is replaced when it is written. */
function asStored(key: string): string {
  return loneSurrogate.test(key) ? Buffer.from(key).toString() : key;
}

/** Whether anything of the batch was written is unknown, so its producers are finished. */
function failBatch(writer: TopicWriter, batch: readonly Pending[], cause: unknown): void {
  const error =
    cause instanceof PaycrawlError
      ? cause
      : fail('log_unavailable', 'The event log could not be written.', { cause });
  // A transaction that could not even begin took nothing: whoever waits must not wait for ever.
  const failed = batch.length > 0 ? batch : writer.queue.splice(0);
  for (const pending of failed) {
    pending.producer.dead ??= error;
    pending.reject(error);
  }
}
