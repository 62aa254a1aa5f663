import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, LogRecord, TopicConfig, TopicPartition } from './event-log.js';
import { type GroupStore, joinAsMember } from './groups/member.js';
import { emptyGroup, type GroupState, ownerKey } from './groups/share-out.js';
import { createProducer, type Pending, type ProducerPort } from './producer.js';
import { batchRecordsMaxDefault, type RecordSource, startPump } from './pump.js';
import { createWaiters, type Waiters } from './waiters.js';

export interface MemoryLogOptions {
  readonly clock: () => number;
}

/** The log in memory for folds and simulators: no timers, everything in order of microtasks. */
export interface MemoryLog extends EventLog {
  /** Forgets records that are older than the retention of their topic. */
  expireSegments(): Promise<void>;
}

interface MemoryPartition {
  earliest: number;
  lastMs: number;
  records: LogRecord[];
}

interface MemoryTopic {
  readonly config: TopicConfig;
  readonly partitions: readonly MemoryPartition[];
}

interface State {
  readonly clock: () => number;
  readonly topics: Map<string, MemoryTopic>;
  readonly waiters: Waiters;
  readonly closers: Set<() => Promise<void>>;
  isClosed: boolean;
}

export function createMemoryLog(options: MemoryLogOptions): MemoryLog {
  const state: State = {
    clock: options.clock,
    topics: new Map(),
    waiters: createWaiters(),
    closers: new Set(),
    isClosed: false,
  };
  const source = sourceOf(state);
  const groups = createMemoryGroups((name) => requireTopic(state, name).config.partitions);
  return {
    createTopics: async (topics) => createTopics(state, topics),
    topics: async () => [...usable(state).topics.values()].map(({ config }) => config),
    async offsets(place) {
      const { earliest, records } = requirePartition(usable(state), place);
      return { earliest, next: earliest + records.length };
    },
    read: async (place, fromOffset, recordsMax) =>
      read(usable(state), place, fromOffset, recordsMax),
    producer: (producerOptions) => createProducer(producerPort(state), producerOptions),
    async tail(tailOptions) {
      requirePartition(usable(state), tailOptions);
      const pump = startPump(source, {
        ...tailOptions,
        batchRecordsMax: tailOptions.batchRecordsMax ?? batchRecordsMaxDefault,
        onRecords: (records) => tailOptions.onRecords(records),
        onError: (error) => tailOptions.onError(error),
      });
      return closable(state, () => pump.stop());
    },
    async joinGroup(groupOptions) {
      usable(state);
      const member = await joinAsMember(groups, source, groupOptions);
      const { close } = closable(state, () => member.close());
      return { commit: member.commit, close };
    },
    async committed(groupId, place) {
      requirePartition(usable(state), place);
      return groups.committed(groupId, place);
    },
    expireSegments: async () => expire(usable(state)),
    async close() {
      if (state.isClosed) return;
      state.isClosed = true;
      await Promise.all([...state.closers].map((close) => close()));
    },
  };
}

function usable(state: State): State {
  if (state.isClosed) throw fail('log_closed', 'The event log is closed.');
  return state;
}

function closable(state: State, end: () => Promise<void>): { close(): Promise<void> } {
  const close = async () => {
    await end();
    state.closers.delete(close);
  };
  state.closers.add(close);
  return { close };
}

function createTopics(state: State, topics: readonly TopicConfig[]): void {
  usable(state);
  for (const { name, partitions } of topics) {
    const known = state.topics.get(name)?.config.partitions ?? partitions;
    if (known === partitions) continue;
    throw fail('log_partition_count_fixed', `${name} has ${known} partitions, not ${partitions}.`);
  }
  for (const config of topics) {
    const partitions =
      state.topics.get(config.name)?.partitions ??
      Array.from({ length: config.partitions }, () => ({ earliest: 0, lastMs: 0, records: [] }));
    state.topics.set(config.name, { config: { ...config }, partitions });
  }
}

function requireTopic(state: State, name: string): MemoryTopic {
  const topic = state.topics.get(name);
  if (topic === undefined) throw fail('log_unknown_partition', `There is no topic ${name}.`);
  return topic;
}

function requirePartition(state: State, { topic, partition }: TopicPartition): MemoryPartition {
  const found = requireTopic(state, topic).partitions[partition];
  if (found !== undefined) return found;
  throw fail('log_unknown_partition', `${topic} has no partition ${partition}.`);
}

function read(
  state: State,
  place: TopicPartition,
  fromOffset: number,
  recordsMax: number,
): LogRecord[] {
  const { earliest, records } = requirePartition(state, place);
  const from = Math.max(0, fromOffset - earliest);
  return records.slice(from, from + recordsMax);
}

function sourceOf(state: State): RecordSource {
  return {
    read: (place, fromOffset, recordsMax) => read(state, place, fromOffset, recordsMax),
    subscribe: (topic, partition, listener) => state.waiters.subscribe(topic, partition, listener),
    breathe: () => Promise.resolve(),
  };
}

/** As in a durable log, an append is not there yet when the call returns, only once it resolves. */
function producerPort(state: State): ProducerPort {
  const queue: Pending[] = [];
  return {
    check: (record) => {
      requirePartition(usable(state), record);
    },
    enqueue(_topic, pending) {
      queue.push(pending);
      if (queue.length === 1) queueMicrotask(() => commitQueue(state, queue));
    },
  };
}

function commitQueue(state: State, queue: Pending[]): void {
  const rung = new Map<string, TopicPartition>();
  for (const pending of queue.splice(0)) {
    const { dead } = pending.producer;
    if (dead !== undefined) {
      pending.reject(dead);
      continue;
    }
    commit(state, pending);
    for (const place of pending.appended) rung.set(ownerKey(place.topic, place.partition), place);
    pending.resolve();
  }
  for (const { topic, partition } of rung.values()) state.waiters.ring(topic, partition);
}

function commit(state: State, { records, appended }: Pending): void {
  const nowMs = Math.floor(state.clock());
  records.forEach((record, index) => {
    const partition = requirePartition(state, record);
    const timestampMs = Math.max(partition.lastMs, nowMs);
    partition.lastMs = timestampMs;
    const offset = partition.earliest + partition.records.length;
    // A log keeps what it was given, whatever the caller does with its buffer afterwards.
    partition.records.push({ ...record, value: Buffer.from(record.value), offset, timestampMs });
    const place = appended[index];
    if (place === undefined) return;
    place.offset = offset;
    place.timestampMs = timestampMs;
  });
}

function expire(state: State): void {
  for (const { config, partitions } of state.topics.values()) {
    if (config.retentionMs === 'forever') continue;
    const expiredBeforeMs = state.clock() - config.retentionMs;
    for (const partition of partitions) {
      const kept = partition.records.findIndex(({ timestampMs }) => timestampMs >= expiredBeforeMs);
      const expired = kept === -1 ? partition.records.length : kept;
      partition.records.splice(0, expired);
      partition.earliest += expired;
    }
  }
}

function createMemoryGroups(partitionsOf: (topic: string) => number): GroupStore {
  const states = new Map<string, GroupState>();
  const commits = new Map<string, number>();
  const listeners = new Map<string, Set<() => void>>();
  const commitKey = (groupId: string, { topic, partition }: TopicPartition) =>
    `${groupId}\n${ownerKey(topic, partition)}`;
  // Members of one process die together: no lease ever ends.
  const lease = { nowMs: 0, leaseMs: 1 };
  return {
    partitionsOf,
    heartbeatMs: undefined,
    async update(groupId, change) {
      const state = states.get(groupId) ?? emptyGroup();
      states.set(groupId, state);
      const before = state.version;
      const result = change(state, lease);
      if (state.version !== before) {
        for (const listener of listeners.get(groupId) ?? []) listener();
      }
      return result;
    },
    subscribe(groupId, listener) {
      const members = listeners.get(groupId) ?? new Set();
      listeners.set(groupId, members);
      members.add(listener);
      return () => members.delete(listener);
    },
    committed: (groupId, place) => commits.get(commitKey(groupId, place)),
    async commit(groupId, memberId, place, nextOffset) {
      const owner = states.get(groupId)?.owners[ownerKey(place.topic, place.partition)];
      if (owner !== memberId) return;
      commits.set(commitKey(groupId, place), nextOffset);
    },
  };
}
