import { createHash, type Hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type {
  EventLog,
  LogRecord,
  TopicConfig,
  TopicPartition,
} from '@paycrawl/event-log/event-log';
import { decodeEvent } from '@paycrawl/events/event';
import { topicDefinitions } from '@paycrawl/events/topics';
import { newestSnapshot } from '@paycrawl/fold/snapshot';
import {
  lineOf,
  type Manifest,
  manifestFile,
  type PartitionBackup,
  type Segment,
  type TopicBackup,
} from './backup-format.js';
import { consistentCut, type Effect, type Ends } from './consistent-cut.js';

const readRecordsMax = 2_000;
const segmentRecordsMax = 100_000;
const segmentBytesMax = 64 * 1024 ** 2;

const excluded = [
  'secrets (quote keys, signer keys, token hashes): the log never holds them; keep them apart',
  'local stores and the positions of groups: folds go on from the snapshots in this backup',
  'ClickHouse: projected again from the log; challenges that had expired are only there',
  'the chain',
];

/**
 * Copies the log into a folder, while the platform runs. Snapshots are taken first, then where
 * everything ends: so every state is older than the records, and everything that it caused is
 * among them.
 */
export async function backup(log: EventLog, folder: string, nowMs: number): Promise<Manifest> {
  await assertEmpty(folder);
  const all = (await log.topics()).sort((a, b) => (a.name < b.name ? -1 : 1));
  const snapshots = all.filter(({ name }) => baseOf(name)?.startsWith('snapshots-') === true);
  const plain = all.filter((one) => baseOf(one.name) !== undefined && !snapshots.includes(one));
  const topics: TopicBackup[] = [];
  for (const topic of snapshots) topics.push(await copySnapshots(log, folder, topic));
  const cut = await cutOf(log, plain);
  for (const topic of plain) topics.push(await copyTopic(log, folder, topic, cut));
  const left = all.filter(({ name }) => baseOf(name) === undefined).map(({ name }) => name);
  const manifest: Manifest = {
    ...{ format: 'paycrawl-backup', version: 1, takenAt: new Date(nowMs).toISOString(), topics },
    excluded: [...excluded, ...left.map((name) => `topic ${name}: not one of the platform's`)],
  };
  // Last, and whole or not at all: a backup without it was never finished.
  const path = join(folder, manifestFile);
  await writeFile(`${path}.tmp`, `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(`${path}.tmp`, path);
  return manifest;
}

async function assertEmpty(folder: string): Promise<void> {
  if (!existsSync(folder)) return void (await mkdir(folder, { recursive: true }));
  if ((await readdir(folder)).length === 0) return;
  throw fail('restore_not_empty', `${folder} is not empty`);
}

/** The name without its generation, if it is a topic of the platform. */
function baseOf(name: string): string | undefined {
  const [, base = ''] = /^(.+)\.[1-9][0-9]*$/.exec(name) ?? [];
  return Object.hasOwn(topicDefinitions, base) ? base : undefined;
}

function placesOf(topics: readonly TopicConfig[]): TopicPartition[] {
  return topics.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
  );
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

async function endsOf(log: EventLog, places: readonly TopicPartition[]): Promise<Ends> {
  const ends = new Map<string, number>();
  for (const place of places) ends.set(keyOf(place), (await log.offsets(place)).next);
  return ends;
}

/** Looks twice: only what came between the looks can stand without its cause. */
async function cutOf(log: EventLog, topics: readonly TopicConfig[]): Promise<Ends> {
  const places = placesOf(topics);
  const floor = await endsOf(log, places);
  const ends = await endsOf(log, places);
  const effects = new Map<string, Effect[]>();
  for (const place of places) {
    const found: Effect[] = [];
    const range = { from: floor.get(keyOf(place)) ?? 0, to: ends.get(keyOf(place)) ?? 0 };
    for await (const records of batches(log, place, range)) {
      for (const record of records) found.push(...effectOf(record));
    }
    effects.set(keyOf(place), found);
  }
  return consistentCut(ends, effects);
}

function effectOf({ offset, value }: LogRecord): readonly Effect[] {
  const decoded = decodeEvent(value);
  if (decoded.kind !== 'event' || decoded.event.cause === undefined) return [];
  const [topic, partition, causeOffset] = decoded.event.cause;
  return [{ offset, source: `${topic}/${partition}`, causeOffset }];
}

async function* batches(
  log: EventLog,
  place: TopicPartition,
  { from, to }: { readonly from: number; readonly to: number },
): AsyncGenerator<LogRecord[]> {
  for (let offset = from; offset < to; ) {
    const records = await log.read(place, offset, Math.min(readRecordsMax, to - offset));
    const last = records.at(-1);
    if (last === undefined) return;
    yield records;
    offset = last.offset + 1;
  }
}

async function copyTopic(
  log: EventLog,
  folder: string,
  { name, partitions, retentionMs }: TopicConfig,
  cut: Ends,
): Promise<TopicBackup> {
  const copied: PartitionBackup[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const place = { topic: name, partition };
    const from = (await log.offsets(place)).earliest;
    const next = cut.get(keyOf(place)) ?? from;
    copied.push(await copyPartition(folder, place, batches(log, place, { from, to: next }), next));
  }
  return { name, retentionMs, partitions: copied };
}

/** Only the newest complete one of each partition, numbered from 0: nothing points there. */
async function copySnapshots(
  log: EventLog,
  folder: string,
  { name, partitions, retentionMs }: TopicConfig,
): Promise<TopicBackup> {
  const copied: PartitionBackup[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const place = { topic: name, partition };
    const found = await newestSnapshot(log, place);
    const records = found.map((record, offset) => ({ ...record, offset }));
    copied.push(await copyPartition(folder, place, [records], records.length));
  }
  return { name, retentionMs, partitions: copied };
}

interface Open {
  readonly file: string;
  readonly handle: FileHandle;
  readonly hash: Hash;
  readonly firstOffset: number;
  records: number;
  bytes: number;
}

async function copyPartition(
  folder: string,
  place: TopicPartition,
  source: AsyncIterable<LogRecord[]> | Iterable<LogRecord[]>,
  next: number,
): Promise<PartitionBackup> {
  const segments: Segment[] = [];
  let current: Open | undefined;
  for await (const records of source) {
    const [first] = records;
    if (first === undefined) continue;
    current ??= await openSegment(folder, place, first.offset);
    await write(current, records);
    if (current.records < segmentRecordsMax && current.bytes < segmentBytesMax) continue;
    segments.push(await closeSegment(current));
    current = undefined;
  }
  if (current !== undefined) segments.push(await closeSegment(current));
  // Records may have expired since their partition was looked at.
  return { earliest: segments[0]?.firstOffset ?? next, next, segments };
}

async function openSegment(
  folder: string,
  { topic, partition }: TopicPartition,
  firstOffset: number,
): Promise<Open> {
  const directory = join('records', topic, String(partition));
  await mkdir(join(folder, directory), { recursive: true });
  const file = join(directory, `${String(firstOffset).padStart(16, '0')}.jsonl`);
  const handle = await open(join(folder, file), 'wx');
  return { file, handle, hash: createHash('sha256'), firstOffset, records: 0, bytes: 0 };
}

async function write(open: Open, records: readonly LogRecord[]): Promise<void> {
  const bytes = Buffer.from(records.map(lineOf).join(''));
  open.hash.update(bytes);
  open.records += records.length;
  open.bytes += bytes.length;
  await open.handle.writeFile(bytes);
}

async function closeSegment({ handle, hash, ...rest }: Open): Promise<Segment> {
  await handle.sync();
  await handle.close();
  const { file, firstOffset, records, bytes } = rest;
  return { file, firstOffset, records, bytes, sha256: hash.digest('hex') };
}
