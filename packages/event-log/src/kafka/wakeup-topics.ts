import type { TopicPartition } from '../event-log.js';
import type { Cluster } from './cluster.js';
import { brokerFault, kafkaType } from './faults.js';
import { readOffsets, readOnce } from './fetch.js';
import { replicationOf } from './topics.js';

/**
 * One topic for each ingress that listens. Nothing in it is true for longer than somebody waits,
 * so it is kept for minutes, and taken away when nobody heard or said anything there for long.
 */
const prefix = 'wakeups-';
const retentionMs = 5 * 60_000;
const segmentMs = 60_000;

export function wakeupTopic(ingressId: string): string {
  return `${prefix}${ingressId}`;
}

export function placeOf(topic: string): TopicPartition {
  return { topic, partition: 0 };
}

export async function createWakeupTopic(cluster: Cluster, topic: string): Promise<void> {
  const { requestTimeoutMs } = cluster.settings;
  const replicationFactor = await replicationOf(cluster);
  const config = {
    'cleanup.policy': 'delete',
    'retention.ms': String(retentionMs),
    'segment.ms': String(segmentMs),
    'message.timestamp.type': 'LogAppendTime',
    // One copy is enough to wake somebody: only `acks: 1` is asked for.
    'min.insync.replicas': '1',
  };
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  const { topicErrors } = await cluster.ask(undefined, 'CreateTopics', {
    topics: [{ topic, numPartitions: 1, replicationFactor, configEntries }],
    validateOnly: false,
    timeout: requestTimeoutMs,
  });
  for (const { errorCode, errorMessage } of topicErrors) {
    if (errorCode === 0 || kafkaType(errorCode) === 'TOPIC_ALREADY_EXISTS') continue;
    throw brokerFault(errorCode, `to create ${topic}: ${errorMessage ?? ''}`);
  }
}

/** One that is gone already is as good. */
export async function deleteWakeupTopics(
  cluster: Cluster,
  topics: readonly string[],
): Promise<void> {
  if (topics.length === 0) return;
  const { requestTimeoutMs: timeout } = cluster.settings;
  const { topicErrors } = await cluster.ask(undefined, 'DeleteTopics', { topics, timeout });
  for (const { topic, errorCode } of topicErrors) {
    if (errorCode === 0 || kafkaType(errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') continue;
    throw brokerFault(errorCode, `to delete ${topic}`);
  }
}

export interface Sweeper {
  /** Deletes what nobody listens to any more; returns the names. */
  sweep(): Promise<readonly string[]>;
}

/**
 * The leftovers of ingresses that crashed: who listens writes a sign of life to its own topic every
 * now and then, so a topic whose last record is old, or that stays empty, has no listener.
 */
export function createSweeper(
  cluster: Cluster,
  options: { readonly own: ReadonlySet<string>; readonly staleAfterMs: number; nowMs(): number },
): Sweeper {
  const { own, staleAfterMs, nowMs } = options;
  const emptySinceMs = new Map<string, number>();

  async function isStale(topic: string): Promise<boolean> {
    const place = placeOf(topic);
    const { earliest, next } = await readOffsets(cluster, place);
    const last = earliest === next ? [] : await readOnce(cluster, place, next - 1, 1);
    const record = last.at(-1);
    if (record !== undefined) {
      emptySinceMs.delete(topic);
      return nowMs() - record.timestampMs > staleAfterMs;
    }
    // Just created, or everything expired: time tells.
    const sinceMs = emptySinceMs.get(topic) ?? nowMs();
    emptySinceMs.set(topic, sinceMs);
    return nowMs() - sinceMs > staleAfterMs;
  }

  return {
    async sweep() {
      const topics = (await cluster.allTopics())
        .map(({ topic }) => topic)
        .filter((topic) => topic.startsWith(prefix) && !own.has(topic));
      const stale: string[] = [];
      for (const topic of topics) {
        // One that cannot be asked now is asked the next time.
        if (await isStale(topic).catch(() => false)) stale.push(topic);
      }
      await deleteWakeupTopics(cluster, stale);
      for (const topic of stale) emptySinceMs.delete(topic);
      return stale;
    },
  };
}
