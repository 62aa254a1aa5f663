import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { open, type RootDatabase } from 'lmdb';
import type { LogRecord } from '../event-log.js';
import {
  baseKey,
  chunkKey,
  decodeChunk,
  decodeHead,
  encodeHead,
  type Head,
  headKey,
  headNext,
} from './layout.js';

/** In the names of folders that are being deleted. */
export const doomedMark = '.deleted-';

export type SegmentDatabase = RootDatabase<Buffer, Buffer>;

/** One LMDB environment: a run of every partition of a topic. Expiry deletes its folder. */
export interface Segment {
  readonly id: number;
  readonly directory: string;
  /** Begun by this process just now; nobody had written it before. */
  readonly isNew: boolean;
  /** The first offset of each partition in this segment. */
  readonly base: readonly number[];
  db: SegmentDatabase;
  /** The environment is being replaced after a failed commit: nothing can be read meanwhile. */
  isReopening: boolean;
  /** Known to be sealed: its head need not be read again. */
  sealedHead: Head | undefined;
  /** Where the last read of a partition was cut inside a chunk, to go on without a search. */
  readonly cuts: Map<number, { readonly offset: number; readonly chunkOffset: number }>;
}

export function segmentDirectory(topicDirectory: string, id: number): string {
  return path.join(topicDirectory, String(id).padStart(10, '0'));
}

/** File systems may lose a new folder at power failure unless its parent is synced too. */
export function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * `overlappingSync: false` is plain LMDB: data synced, then the meta page, then visible. So what a
 * reader sees is durable; with lmdb-js' default a reader may see what a power failure takes back.
 * The map is address space, not disk or memory.
 */
function openEnvironment(directory: string, mapBytes: number): SegmentDatabase {
  return open<Buffer, Buffer>({
    path: directory,
    noSubdir: false,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
    eventTurnBatching: false,
    maxDbs: 1,
    mapSize: mapBytes,
  });
}

/** Opens a segment, and begins it with `initial` if nobody has yet. */
export function openSegment(
  topicDirectory: string,
  id: number,
  initial: Head,
  mapBytes: number,
): Segment {
  const directory = segmentDirectory(topicDirectory, id);
  mkdirSync(directory, { recursive: true });
  const db = openEnvironment(directory, mapBytes);
  const isNew = db.getBinary(baseKey) === undefined && beginSegment(db, initial);
  if (isNew) {
    syncDirectory(directory);
    syncDirectory(topicDirectory);
  }
  const base = decodeHead(requireBytes(db, baseKey)).next;
  return {
    id,
    directory,
    isNew,
    base,
    db,
    isReopening: false,
    sealedHead: undefined,
    cuts: new Map(),
  };
}

/** False if another process was faster. */
function beginSegment(db: SegmentDatabase, initial: Head): boolean {
  return db.transactionSync(() => {
    if (db.getBinary(baseKey) !== undefined) return false;
    const bytes = encodeHead(initial);
    db.put(baseKey, bytes);
    db.put(headKey, bytes);
    return true;
  });
}

/** After a failed commit LMDB may refuse everything until the environment is opened anew. */
export async function reopenSegment(segment: Segment, mapBytes: number): Promise<void> {
  segment.isReopening = true;
  await segment.db.close();
  segment.db = openEnvironment(segment.directory, mapBytes);
  segment.isReopening = false;
}

function requireBytes(db: SegmentDatabase, key: Buffer): Buffer {
  const bytes = db.getBinary(key);
  if (bytes === undefined) throw fail('log_unavailable', 'A segment of the event log is damaged.');
  return bytes;
}

export function headBytes(segment: Segment): Buffer {
  return requireBytes(segment.db, headKey);
}

export function readHead(segment: Segment): Head {
  if (segment.sealedHead !== undefined) return segment.sealedHead;
  const head = decodeHead(headBytes(segment));
  if (head.sealed) segment.sealedHead = head;
  return head;
}

function nextOffsetOf(segment: Segment, partition: number): number {
  if (segment.sealedHead !== undefined) return segment.sealedHead.next[partition] ?? 0;
  return headNext(headBytes(segment), partition);
}

const keyScratch = chunkKey(0, 0);

/** The chunk that holds `offset`: by exact key when it begins there, else by a search. */
function chunkAt(segment: Segment, partition: number, offset: number): Buffer | undefined {
  const exact = segment.db.getBinary(chunkKey(partition, offset, keyScratch));
  if (exact !== undefined) return exact;
  const cut = segment.cuts.get(partition);
  if (cut?.offset === offset) {
    return segment.db.getBinary(chunkKey(partition, cut.chunkOffset, keyScratch));
  }
  const range = segment.db.getRange({
    start: chunkKey(partition, offset),
    end: chunkKey(partition, 0),
    inclusiveEnd: true,
    reverse: true,
    limit: 1,
  });
  for (const { key } of range) return segment.db.getBinary(key);
  return undefined;
}

/** Adds records to `out` until it has `recordsMax` or the segment ends; returns where it ended. */
export function readSegment(
  segment: Segment,
  topic: string,
  partition: number,
  fromOffset: number,
  recordsMax: number,
  out: LogRecord[],
): number {
  const end = nextOffsetOf(segment, partition);
  let offset = fromOffset;
  while (offset < end && out.length < recordsMax) {
    const chunk = chunkAt(segment, partition, offset);
    if (chunk === undefined) {
      throw fail('log_unavailable', 'A segment of the event log is damaged.', {
        context: { topic, partition, offset },
      });
    }
    const before = out.length;
    const chunkEnd = decodeChunk(chunk, topic, partition, offset, recordsMax, out);
    offset += out.length - before;
    if (offset < chunkEnd) {
      segment.cuts.set(partition, { offset, chunkOffset: chunk.readDoubleBE(8) });
    }
  }
  return offset;
}

export async function closeSegment(segment: Segment): Promise<void> {
  await segment.db.close();
}

/**
 * Renamed first, so that a crash half-way leaves nothing that looks like a segment. Another process
 * may be deleting it too; the round after this one sweeps what is left.
 */
export async function deleteSegmentFolder(directory: string): Promise<void> {
  const doomed = `${directory}${doomedMark}${process.pid}`;
  try {
    await rename(directory, doomed);
  } catch {
    return;
  }
  await rm(doomed, { recursive: true, force: true });
}
