import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, TopicPartition } from './event-log.js';
import { joinAsMember } from './groups/member.js';
import { acquireCore, type Core, expireAll, releaseCore, requireTopic } from './lmdb/core.js';
import { listTopics, registerTopics } from './lmdb/registry.js';
import { type LmdbLogOptions, lmdbSettings } from './lmdb/settings.js';
import { followTopic, readTopic, requirePartition, topicOffsets } from './lmdb/topic-store.js';
import { enqueue } from './lmdb/topic-writer.js';
import { createProducer, type ProducerPort } from './producer.js';
import { batchRecordsMaxDefault, type RecordSource, startPump } from './pump.js';

/** What the embedded log can do beyond the port. */
export interface LmdbLog extends EventLog {
  /** Retention, now instead of at the next round of its timer. */
  expireSegments(): Promise<void>;
}

/** The event log of one machine: durable, shared by processes, nothing to install. */
export function openLmdbLog(options: LmdbLogOptions): LmdbLog {
  const core = acquireCore(lmdbSettings(options));
  const handle: Handle = { core, isClosed: false, closers: new Set() };
  const source = sourceOf(core);
  return {
    async createTopics(topics) {
      await registerTopics(usable(handle).registry, topics);
      for (const { name } of topics) requireTopic(core, name);
    },
    topics: async () => listTopics(usable(handle).registry),
    offsets: async ({ topic, partition }) =>
      topicOffsets(requireTopic(usable(handle), topic).store, partition),
    read: async ({ topic, partition }, fromOffset, recordsMax) =>
      readTopic(requireTopic(usable(handle), topic).store, partition, fromOffset, recordsMax),
    producer: (producerOptions) => createProducer(producerPort(handle), producerOptions),
    async tail(tailOptions) {
      requirePartitionOf(usable(handle), tailOptions);
      const pump = startPump(source, {
        ...tailOptions,
        batchRecordsMax: tailOptions.batchRecordsMax ?? batchRecordsMaxDefault,
        onRecords: (records) => tailOptions.onRecords(records),
        onError: (error) => tailOptions.onError(error),
      });
      return closable(handle, () => pump.stop());
    },
    async joinGroup(groupOptions) {
      const member = await joinAsMember(usable(handle).groups, source, groupOptions);
      const { close } = closable(handle, () => member.close());
      return { commit: member.commit, close };
    },
    committed: async (groupId, partition) => {
      requirePartitionOf(usable(handle), partition);
      return core.groups.committed(groupId, partition);
    },
    expireSegments: () => expireAll(usable(handle)),
    close: () => closeHandle(handle),
  };
}

/** One opener's view: closing it ends its readers, not those of other openers. */
interface Handle {
  readonly core: Core;
  isClosed: boolean;
  readonly closers: Set<() => Promise<void>>;
}

function usable(handle: Handle): Core {
  if (handle.isClosed) throw fail('log_closed', 'The event log is closed.');
  return handle.core;
}

function closable(handle: Handle, end: () => Promise<void>): { close(): Promise<void> } {
  const close = async () => {
    await end();
    handle.closers.delete(close);
  };
  handle.closers.add(close);
  return { close };
}

async function closeHandle(handle: Handle): Promise<void> {
  if (handle.isClosed) return;
  handle.isClosed = true;
  await Promise.all([...handle.closers].map((close) => close()));
  await releaseCore(handle.core);
}

function requirePartitionOf(core: Core, { topic, partition }: TopicPartition): void {
  requirePartition(requireTopic(core, topic).store, partition);
}

function producerPort(handle: Handle): ProducerPort {
  return {
    check: (record) => requirePartitionOf(usable(handle), record),
    enqueue: (topic, pending) => enqueue(requireTopic(handle.core, topic).writer, pending),
  };
}

function sourceOf(core: Core): RecordSource {
  return {
    read: ({ topic, partition }, fromOffset, recordsMax) =>
      followTopic(requireTopic(core, topic).store, partition, fromOffset, recordsMax),
    subscribe: (topic, partition, listener) => core.waiters.subscribe(topic, partition, listener),
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
  };
}
