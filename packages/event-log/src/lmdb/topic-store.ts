import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { LogRecord, TopicConfig } from '../event-log.js';
import type { Waiters } from '../waiters.js';
import { decodeHead, emptyHead, headNext, headSealed, successorHead } from './layout.js';
import { createRecent, dropRecent, findRecent, keepRecent, type Recent } from './recent.js';
import {
  closeSegment,
  deleteSegmentFolder,
  doomedMark,
  headBytes,
  openSegment,
  readHead,
  readSegment,
  type Segment,
} from './segment.js';
import type { LmdbSettings } from './settings.js';

/** The segments of one topic as this process sees them; the last one is written. */
export interface TopicStore {
  readonly config: TopicConfig;
  readonly directory: string;
  readonly settings: LmdbSettings;
  readonly waiters: Waiters;
  readonly segments: Segment[];
  /** No longer read or written here; to be closed and deleted. */
  readonly retired: Segment[];
  /** Where readers of this process were last told that each partition ends. */
  readonly rungAt: number[];
  /** Of each partition. */
  readonly recent: readonly Recent[];
  /** Another process wrote since the poller looked last. */
  isShared: boolean;
  /** The lowest segment that is not expired, as all processes agree at this moment. */
  firstSegmentId(): number;
}

export interface TopicStoreOptions {
  readonly config: TopicConfig;
  readonly directory: string;
  readonly settings: LmdbSettings;
  readonly waiters: Waiters;
  firstSegmentId(): number;
}

/** Some batches of a reader: those of one process are seldom further apart. */
const recentBytesOfTopic = 4 * 1024 ** 2;
const recentBytesMin = 512 * 1024;

export function openTopicStore(options: TopicStoreOptions): TopicStore {
  const { partitions } = options.config;
  const rungAt = new Array<number>(partitions).fill(0);
  const recentBytes = Math.max(recentBytesMin, recentBytesOfTopic / partitions);
  const recent = Array.from({ length: partitions }, () => createRecent(recentBytes));
  const store: TopicStore = {
    ...options,
    segments: [],
    retired: [],
    rungAt,
    recent,
    isShared: false,
  };
  openFromFirst(store);
  advance(store);
  rungAt.splice(0, rungAt.length, ...readHead(activeSegment(store)).next);
  return store;
}

/**
 * Another process may expire the segment between the look at its number and the opening, which then
 * makes an empty ghost in its place. The number rises before the folder goes, so a second look
 * after the opening tells.
 */
function openFromFirst(store: TopicStore): void {
  store.retired.push(...store.segments.splice(0));
  const { config, settings, directory } = store;
  for (;;) {
    const id = store.firstSegmentId();
    const head = emptyHead(config.partitions, settings.clock());
    const segment = openSegment(directory, id, head, settings.mapBytes);
    if (segment.isNew && store.firstSegmentId() !== id) {
      store.retired.push(segment);
      continue;
    }
    store.segments.push(segment);
    return;
  }
}

export function activeSegment(store: TopicStore): Segment {
  const segment = store.segments.at(-1);
  if (segment === undefined) throw fail('log_closed', 'The topic is closed.');
  return segment;
}

/** Opens the successors of sealed segments. True if there was one. */
export function advance(store: TopicStore): boolean {
  let moved = false;
  for (;;) {
    const active = activeSegment(store);
    const bytes = headBytes(active);
    if (!headSealed(bytes)) return moved;
    const head = decodeHead(bytes);
    active.sealedHead = head;
    const { clock, mapBytes } = store.settings;
    const initial = successorHead(head, clock());
    const next = openSegment(store.directory, active.id + 1, initial, mapBytes);
    store.segments.push(next);
    // This process slept while others rolled and expired: the successor is long gone.
    if (next.isNew && store.firstSegmentId() > next.id) openFromFirst(store);
    moved = true;
  }
}

/** LMDB readers keep the snapshot of their turn; commits of other processes need a new one. */
export function refresh(store: TopicStore): void {
  activeSegment(store).db.resetReadTxn();
}

export function requirePartition(store: TopicStore, partition: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < store.config.partitions) return;
  throw fail('log_unknown_partition', `${store.config.name} has no partition ${partition}.`);
}

export function readTopic(
  store: TopicStore,
  partition: number,
  fromOffset: number,
  recordsMax: number,
): LogRecord[] {
  requirePartition(store, partition);
  if (activeSegment(store).isReopening) return [];
  try {
    refresh(store);
    return readSegments(store, partition, fromOffset, recordsMax);
  } catch (cause) {
    if (cause instanceof PaycrawlError) throw cause;
    throw fail('log_unavailable', 'The event log could not be read.', { cause });
  }
}

/**
 * As `readTopic`, for a reader that is rung for whatever comes: it looks no further than it was told
 * of, and shares records with the other readers of this process.
 */
export function followTopic(
  store: TopicStore,
  partition: number,
  fromOffset: number,
  recordsMax: number,
): readonly LogRecord[] {
  requirePartition(store, partition);
  const recent = recentOf(store, partition);
  const readers = store.waiters.count(store.config.name, partition);
  if (readers === 1) dropRecent(recent, fromOffset);
  if (fromOffset >= (store.rungAt[partition] ?? 0)) return [];
  const isExpired = fromOffset < (store.segments[0]?.base[partition] ?? 0);
  const shared = isExpired ? undefined : findRecent(recent, fromOffset, recordsMax);
  if (shared !== undefined) return shared;
  const records = readTopic(store, partition, fromOffset, recordsMax);
  if (readers > 1) keepRecent(recent, records);
  return records;
}

export function recentOf(store: TopicStore, partition: number): Recent {
  const recent = store.recent[partition];
  if (recent !== undefined) return recent;
  throw fail('log_unknown_partition', `${store.config.name} has no partition ${partition}.`);
}

function readSegments(
  store: TopicStore,
  partition: number,
  fromOffset: number,
  recordsMax: number,
): LogRecord[] {
  const out: LogRecord[] = [];
  let offset = firstReadable(store, partition, fromOffset);
  let at = segmentIndex(store, partition, offset);
  while (out.length < recordsMax) {
    const segment = store.segments[at];
    if (segment !== undefined) {
      offset = readSegment(segment, store.config.name, partition, offset, recordsMax, out);
      at += 1;
    } else if (advance(store)) {
      offset = firstReadable(store, partition, offset);
      at = segmentIndex(store, partition, offset);
    } else break;
  }
  return out;
}

function firstReadable(store: TopicStore, partition: number, fromOffset: number): number {
  return Math.max(fromOffset, store.segments[0]?.base[partition] ?? 0);
}

function segmentIndex(store: TopicStore, partition: number, offset: number): number {
  let at = store.segments.length - 1;
  while (at > 0 && (store.segments[at]?.base[partition] ?? 0) > offset) at -= 1;
  return at;
}

export async function topicOffsets(
  store: TopicStore,
  partition: number,
): Promise<{ earliest: number; next: number }> {
  requirePartition(store, partition);
  refresh(store);
  advance(store);
  await dropExpired(store);
  const earliest = store.segments[0]?.base[partition] ?? 0;
  return { earliest, next: readHead(activeSegment(store)).next[partition] ?? 0 };
}

/** Rings for what other processes committed. True if there was anything. */
export function pollTopic(store: TopicStore): boolean {
  if (activeSegment(store).isReopening) return false;
  refresh(store);
  advance(store);
  return ringCommitted(store, headBytes(activeSegment(store)));
}

function ringCommitted(store: TopicStore, head: Buffer): boolean {
  let rang = false;
  for (let partition = 0; partition < store.rungAt.length; partition += 1) {
    const next = headNext(head, partition);
    if (next === store.rungAt[partition]) continue;
    store.rungAt[partition] = next;
    store.waiters.ring(store.config.name, partition);
    rang = true;
  }
  return rang;
}

/** Closes and deletes the segments below the first one that all processes agree on. */
export async function dropExpired(store: TopicStore): Promise<void> {
  const first = store.firstSegmentId();
  while (store.segments.length > 1 && (store.segments[0]?.id ?? first) < first) {
    store.retired.push(...store.segments.splice(0, 1));
  }
  for (const segment of store.retired.splice(0)) {
    await closeSegment(segment);
    await deleteSegmentFolder(segment.directory);
  }
}

/** Removes what a crash left of expired segments. */
export async function sweepFolders(directory: string, firstSegmentId: number): Promise<void> {
  for (const name of readdirSync(directory)) {
    const isDoomed = name.includes(doomedMark) || Number.parseInt(name, 10) < firstSegmentId;
    if (isDoomed)
      await rm(path.join(directory, name), { recursive: true, force: true, maxRetries: 2 });
  }
}

export async function closeTopicStore(store: TopicStore): Promise<void> {
  const all = [...store.segments.splice(0), ...store.retired.splice(0)];
  for (const segment of all) await closeSegment(segment);
}
