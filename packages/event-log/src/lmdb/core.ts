import { mkdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { createWaiters, type Waiters } from '../waiters.js';
import { type LmdbGroups, openLmdbGroups } from './group-store.js';
import {
  findTopic,
  firstSegmentId,
  openRegistry,
  type Registry,
  raiseFirstSegment,
} from './registry.js';
import { expireTopic } from './retention.js';
import { syncDirectory } from './segment.js';
import type { LmdbSettings } from './settings.js';
import {
  closeTopicStore,
  openTopicStore,
  pollTopic,
  sweepFolders,
  type TopicStore,
} from './topic-store.js';
import { createTopicWriter, drainWriter, type TopicWriter } from './topic-writer.js';

/** One directory as this process holds it, shared by every log that was opened on it. */
export interface Core {
  readonly key: string;
  readonly settings: LmdbSettings;
  readonly registry: Registry;
  readonly groups: LmdbGroups;
  readonly waiters: Waiters;
  readonly topics: Map<string, Topic>;
  users: number;
  pollTimer: NodeJS.Timeout | undefined;
  retentionTimer: NodeJS.Timeout | undefined;
  /** Until then other processes are taken to be busy, and are looked at more often. */
  busyUntilMs: number;
  expiring: Promise<void>;
}

export interface Topic {
  readonly store: TopicStore;
  readonly writer: TopicWriter;
}

const cores = new Map<string, Core>();
const busyMs = 250;

/**
 * The same directory is opened once in a process: its producers share transactions, its readers
 * are woken without polling, and lmdb never holds one environment twice. The first opener's
 * settings hold.
 */
export function acquireCore(settings: LmdbSettings): Core {
  mkdirSync(settings.directory, { recursive: true });
  const key = realpathSync(settings.directory);
  const shared = cores.get(key);
  if (shared !== undefined) {
    shared.users += 1;
    return shared;
  }
  const core = openCore(key, settings);
  cores.set(key, core);
  return core;
}

function openCore(key: string, settings: LmdbSettings): Core {
  const registry = openRegistry(settings.directory);
  const topics = new Map<string, Topic>();
  const core: Core = {
    key,
    settings,
    registry,
    groups: openLmdbGroups({
      directory: settings.directory,
      leaseMs: settings.leaseMs,
      partitionsOf: (name) => requireTopic(core, name).store.config.partitions,
    }),
    waiters: createWaiters(),
    topics,
    users: 1,
    pollTimer: undefined,
    retentionTimer: undefined,
    busyUntilMs: 0,
    expiring: Promise.resolve(),
  };
  schedulePoll(core);
  if (settings.retentionEveryMs > 0) {
    core.retentionTimer = setInterval(() => {
      // A failure leaves old segments for the next round; nothing depends on it.
      expireAll(core).catch(() => undefined);
    }, settings.retentionEveryMs);
    core.retentionTimer.unref();
  }
  return core;
}

function schedulePoll(core: Core): void {
  const { pollBusyMs, pollIdleMs } = core.settings;
  const isBusy = performance.now() < core.busyUntilMs;
  core.pollTimer = setTimeout(() => poll(core), isBusy ? pollBusyMs : pollIdleMs);
}

function poll(core: Core): void {
  for (const name of core.waiters.topics()) {
    const topic = core.topics.get(name);
    if (topic === undefined || !isSharedNow(topic, core.waiters)) continue;
    core.busyUntilMs = performance.now() + busyMs;
  }
  core.groups.poll();
  schedulePoll(core);
}

/** Rings the readers of a topic for what other processes wrote; true if they did. */
function isSharedNow({ store, writer }: Topic, waiters: Waiters): boolean {
  // While this process commits, news may be its own; `isShared` tells when they are not.
  const isOwn = writer.committing !== undefined;
  const wasShared = store.isShared;
  store.isShared = false;
  try {
    return (pollTopic(store) && !isOwn) || wasShared;
  } catch {
    // Where it ends is not known: they look.
    store.rungAt.fill(Number.POSITIVE_INFINITY);
    waiters.ringAll(store.config.name);
    return false;
  }
}

export function requireTopic(core: Core, name: string): Topic {
  const open = core.topics.get(name);
  if (open !== undefined) return open;
  const config = findTopic(core.registry, name);
  if (config === undefined) throw fail('log_unknown_partition', `There is no topic ${name}.`);
  const directory = path.join(core.settings.directory, 'topics', name);
  mkdirSync(directory, { recursive: true });
  syncDirectory(path.join(core.settings.directory, 'topics'));
  const store = openTopicStore({
    config,
    directory,
    settings: core.settings,
    waiters: core.waiters,
    firstSegmentId: () => firstSegmentId(core.registry, name),
  });
  const topic: Topic = { store, writer: createTopicWriter(store) };
  core.topics.set(name, topic);
  return topic;
}

/** One round of retention at a time; a caller gets the round that began after it asked. */
export function expireAll(core: Core): Promise<void> {
  core.expiring = core.expiring.catch(() => undefined).then(() => expireOpenTopics(core));
  return core.expiring;
}

async function expireOpenTopics(core: Core): Promise<void> {
  for (const [name, { store }] of core.topics) {
    await expireTopic(store, (id) => raiseFirstSegment(core.registry, name, id));
    await sweepFolders(store.directory, firstSegmentId(core.registry, name));
  }
}

/** The last user closes: what was enqueued is committed first. */
export async function releaseCore(core: Core): Promise<void> {
  core.users -= 1;
  if (core.users > 0) return;
  cores.delete(core.key);
  clearTimeout(core.pollTimer);
  clearInterval(core.retentionTimer);
  await core.expiring.catch(() => undefined);
  for (const { store, writer } of core.topics.values()) {
    await drainWriter(writer);
    await closeTopicStore(store);
  }
  core.topics.clear();
  await core.groups.close();
  await core.registry.db.close();
}
