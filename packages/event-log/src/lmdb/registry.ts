import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { open, type RootDatabase } from 'lmdb';
import type { TopicConfig } from '../event-log.js';
import { transact } from './transact.js';

/** What all processes agree on: which topics there are and where each begins. */
export interface Registry {
  readonly db: RootDatabase<TopicEntry, string>;
}

interface TopicEntry {
  readonly partitions: number;
  readonly retentionMs: number | 'forever';
  /** Segments below are expired; their folders may still be there. */
  readonly firstSegmentId: number;
}

const topicName = /^[a-zA-Z0-9._-]{1,200}$/;

export function openRegistry(directory: string): Registry {
  const place = path.join(directory, 'registry');
  mkdirSync(place, { recursive: true });
  const db = open<TopicEntry, string>({
    path: place,
    noSubdir: false,
    encoding: 'json',
    overlappingSync: false,
    eventTurnBatching: false,
    maxDbs: 1,
    mapSize: 64 * 1024 ** 2,
  });
  return { db };
}

/** All or nothing: a wrong partition count creates none of them. */
export async function registerTopics(
  registry: Registry,
  topics: readonly TopicConfig[],
): Promise<void> {
  for (const { name, partitions } of topics) {
    if (!topicName.test(name) || name === '.' || name === '..') {
      throw fail('log_unknown_partition', `Not a topic name: ${name}`);
    }
    if (!Number.isInteger(partitions) || partitions < 1) {
      throw fail('log_unknown_partition', `${name} needs at least one partition.`);
    }
  }
  const { db } = registry;
  db.resetReadTxn();
  if (topics.every((topic) => isAsRegistered(registry, topic))) return;
  await transact(db, () => {
    for (const { name, partitions } of topics) {
      const known = db.get(name);
      if (known === undefined || known.partitions === partitions) continue;
      throw fail(
        'log_partition_count_fixed',
        `${name} has ${known.partitions} partitions, not ${partitions}.`,
      );
    }
    for (const { name, partitions, retentionMs } of topics) {
      const firstSegmentId = db.get(name)?.firstSegmentId ?? 0;
      db.put(name, { partitions, retentionMs, firstSegmentId });
    }
  });
}

function isAsRegistered(registry: Registry, topic: TopicConfig): boolean {
  const known = registry.db.get(topic.name);
  return known?.partitions === topic.partitions && known.retentionMs === topic.retentionMs;
}

export function findTopic(registry: Registry, name: string): TopicConfig | undefined {
  const { db } = registry;
  let entry = db.get(name);
  if (entry === undefined) {
    db.resetReadTxn();
    entry = db.get(name);
  }
  if (entry === undefined) return undefined;
  return { name, partitions: entry.partitions, retentionMs: entry.retentionMs };
}

export function listTopics(registry: Registry): TopicConfig[] {
  registry.db.resetReadTxn();
  const out: TopicConfig[] = [];
  for (const { key, value } of registry.db.getRange({})) {
    out.push({ name: key, partitions: value.partitions, retentionMs: value.retentionMs });
  }
  return out;
}

/** Always the newest, also what another process wrote in this very turn. */
export function firstSegmentId(registry: Registry, name: string): number {
  registry.db.resetReadTxn();
  return registry.db.get(name)?.firstSegmentId ?? 0;
}

export async function raiseFirstSegment(
  registry: Registry,
  name: string,
  id: number,
): Promise<void> {
  const { db } = registry;
  await transact(db, () => {
    const entry = db.get(name);
    if (entry === undefined || entry.firstSegmentId >= id) return;
    db.put(name, { ...entry, firstSegmentId: id });
  });
}
