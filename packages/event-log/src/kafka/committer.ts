import type { TopicPartition } from '../event-log.js';
import { parsePartitionKey, partitionKey } from './assign.js';
import type { Cluster } from './cluster.js';
import { brokerFault, groupFaults, isTransient, kafkaTypeOf } from './faults.js';
import { type Link, openLink } from './link.js';
import { backOffMs, pause } from './patience.js';

export interface Committer {
  /** Best effort: resolves also when the broker was away for too long or the group moved on. */
  commit(place: TopicPartition, nextOffset: number): Promise<void>;
  close(): void;
}

/** Who commits; it changes with every rebalance. */
export interface CommitAs {
  readonly memberId: string;
  readonly generation: number;
}

interface State {
  readonly cluster: Cluster;
  readonly groupId: string;
  readonly identity: () => CommitAs;
  waiting: Map<string, number>;
  /** The flush that will take what is waiting. */
  next: Promise<void> | undefined;
  flushing: Promise<void>;
  link: Link | undefined;
  isClosed: boolean;
}

/**
 * Commits of all partitions of a member, one request in flight: the coordinator lingers for each,
 * so what comes meanwhile goes together. Over a link of its own, because a join in flight would
 * make commits wait until the whole group has joined.
 */
export function createCommitter(
  cluster: Cluster,
  groupId: string,
  identity: () => CommitAs,
): Committer {
  const state: State = {
    cluster,
    groupId,
    identity,
    waiting: new Map(),
    next: undefined,
    flushing: Promise.resolve(),
    link: undefined,
    isClosed: false,
  };
  return {
    commit({ topic, partition }, nextOffset) {
      state.waiting.set(partitionKey(topic, partition), nextOffset);
      state.next ??= state.flushing.then(() => {
        state.next = undefined;
        const taken = state.waiting;
        state.waiting = new Map();
        state.flushing = flush(state, taken);
        return state.flushing;
      });
      return state.next;
    },
    close() {
      state.isClosed = true;
      state.link?.close();
    },
  };
}

const harmless: ReadonlySet<string> = new Set([groupFaults.unknownMember, groupFaults.fenced]);
/** The group is between two generations; the partition is still ours, so it is tried again. */
const soon: ReadonlySet<string> = new Set([groupFaults.rebalance, groupFaults.generation]);

async function flush(state: State, offsets: ReadonlyMap<string, number>): Promise<void> {
  const { cluster } = state;
  const deadlineMs = performance.now() + cluster.settings.commitTimeoutMs;
  for (let failures = 0; performance.now() < deadlineMs && !state.isClosed; failures += 1) {
    try {
      await commitOnce(state, offsets);
      return;
    } catch (error) {
      const kafka = kafkaTypeOf(error) ?? '';
      if (harmless.has(kafka)) return;
      if (!soon.has(kafka)) {
        if (!isTransient(error)) return;
        state.link?.close();
        cluster.doubt();
      }
      await pause(backOffMs(cluster.settings, failures));
    }
  }
}

async function commitOnce(state: State, offsets: ReadonlyMap<string, number>): Promise<void> {
  const { cluster, groupId } = state;
  const { memberId, generation } = state.identity();
  if (memberId === '') throw brokerFault(25, 'a commit');
  if (state.link?.isOpen !== true) {
    state.link = await openLink(await cluster.coordinator(groupId), cluster.settings);
    if (state.isClosed) state.link.close();
  }
  const byTopic = new Map<string, { partition: number; offset: string }[]>();
  for (const [key, offset] of offsets) {
    const { topic, partition } = parsePartitionKey(key);
    const partitions = byTopic.get(topic) ?? [];
    byTopic.set(topic, partitions);
    partitions.push({ partition, offset: String(offset) });
  }
  const { responses } = await state.link.request('OffsetCommit', {
    groupId,
    groupGenerationId: generation,
    memberId,
    topics: [...byTopic].map(([topic, partitions]) => ({ topic, partitions })),
  });
  for (const { partitions } of responses) {
    for (const { errorCode } of partitions) {
      if (errorCode !== 0) throw brokerFault(errorCode, 'a commit');
    }
  }
}
