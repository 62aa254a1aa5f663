import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { LogRecord, TopicConfig } from '../event-log.js';
import type { Waiters } from '../waiters.js';
import { decodeHead, emptyHead, headNext, headSealed, successorHead } from './layout.js';
import {
  closeSegment,
  deleteSegmentFolder,
  headBytes,
  openSegment,
  readHead,
  readSegment,
  type Segment,
  segmentDirectory,
} from './segment.js';
import type { LmdbSettings } from './settings.js';

/** The segments of one topic as this process sees them; the last one is written. */
export interface TopicStore {
  readonly config: TopicConfig;
  readonly directory: string;
  readonly settings: LmdbSettings;
  readonly waiters: Waiters;
  readonly segments: Segment[];
  /** Where readers of this process were last told that each partition ends. */
  readonly rungAt: number[];
  /** The lowest segment that is not expired, as all processes agree. */
  firstSegmentId(): number;
}

export interface TopicStoreOptions {
  readonly config: TopicConfig;
  readonly directory: string;
  readonly settings: LmdbSettings;
  readonly waiters: Waiters;
  firstSegmentId(): number;
}

export function openTopicStore(options: TopicStoreOptions): TopicStore {
  const { config, directory, settings, firstSegmentId } = options;
  const head = emptyHead(config.partitions, settings.clock());
  const first = openSegment(directory, firstSegmentId(), head, settings.mapBytes);
  const rungAt = new Array<number>(config.partitions).fill(0);
  const store: TopicStore = { ...options, segments: [first], rungAt };
  advance(store);
  return store;
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
    store.segments.push(openSegment(store.directory, active.id + 1, initial, mapBytes));
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
  refresh(store);
  const out: LogRecord[] = [];
  const earliest = store.segments[0]?.base[partition] ?? 0;
  let offset = Math.max(fromOffset, earliest);
  let at = segmentIndex(store, partition, offset);
  while (out.length < recordsMax) {
    const segment = store.segments[at];
    if (segment === undefined) {
      if (advance(store)) continue;
      break;
    }
    offset = readSegment(segment, store.config.name, partition, offset, recordsMax, out);
    at += 1;
  }
  return out;
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
    const segment = store.segments.shift();
    if (segment === undefined) return;
    await closeSegment(segment);
    await deleteSegmentFolder(segmentDirectory(store.directory, segment.id));
  }
}

/** Removes what a crash left of expired segments, before anything is opened. */
export async function sweepFolders(directory: string, firstSegmentId: number): Promise<void> {
  for (const name of readdirSync(directory)) {
    const isDoomed = name.endsWith('.deleted') || Number.parseInt(name, 10) < firstSegmentId;
    if (isDoomed) await rm(path.join(directory, name), { recursive: true, force: true });
  }
}

export async function closeTopicStore(store: TopicStore): Promise<void> {
  for (const segment of store.segments.splice(0)) await closeSegment(segment);
}
