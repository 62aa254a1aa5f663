import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from './event-log.js';
import { type Cluster, createCluster } from './kafka/cluster.js';
import { readCommitted, readOffsets, readOnce } from './kafka/fetch.js';
import { follow } from './kafka/follow.js';
import { joinKafkaGroup } from './kafka/member.js';
import { createKafkaProducer } from './kafka/producer.js';
import { type KafkaLogOptions, kafkaSettings } from './kafka/settings.js';
import { createKafkaTopics, listKafkaTopics } from './kafka/topics.js';

/**
 * The event log on Apache Kafka. Opening connects to nothing: a broker that is away is waited
 * for by every question and append, up to its time limit.
 */
export function openKafkaLog(options: KafkaLogOptions): EventLog {
  const cluster = createCluster(kafkaSettings(options));
  const closers = new Set<() => Promise<void>>();
  const producers = new Set<() => Promise<void>>();
  return {
    async createTopics(topics) {
      await createKafkaTopics(usable(cluster), topics);
    },
    topics: async () => listKafkaTopics(usable(cluster)),
    async offsets(place) {
      await usable(cluster).requirePartition(place);
      return cluster.question(() => readOffsets(cluster, place));
    },
    async read(place, fromOffset, recordsMax) {
      await usable(cluster).requirePartition(place);
      return cluster.question(() => readOnce(cluster, place, fromOffset, recordsMax));
    },
    producer(producerOptions) {
      const producer = createKafkaProducer(cluster, producerOptions);
      const { close } = closable(producers, () => producer.close());
      const discard = (): void => {
        producer.discard();
        // Nothing is left to write: it leaves the list of those that the log closes.
        void close();
      };
      return { append: producer.append, discard, close };
    },
    async tail(tailOptions) {
      await usable(cluster).requirePartition(tailOptions);
      const pump = follow(cluster, {
        ...tailOptions,
        onRecords: (records) => tailOptions.onRecords(records),
        onError: (error) => tailOptions.onError(error),
      });
      return closable(closers, () => pump.stop());
    },
    async joinGroup(groupOptions) {
      const member = await joinKafkaGroup(usable(cluster), groupOptions);
      return { commit: member.commit, ...closable(closers, () => member.close()) };
    },
    async committed(groupId, place) {
      await usable(cluster).requirePartition(place);
      return cluster.question(() => readCommitted(cluster, groupId, place));
    },
    async close() {
      if (cluster.isClosed) return;
      await Promise.all([...closers].map((close) => close()));
      // Last, because handlers that end may still write.
      await Promise.all([...producers].map((close) => close()));
      cluster.close();
    },
  };
}

function usable(cluster: Cluster): Cluster {
  if (cluster.isClosed) throw fail('log_closed', 'The event log is closed.');
  return cluster;
}

function closable(
  closers: Set<() => Promise<void>>,
  end: () => Promise<void>,
): { close(): Promise<void> } {
  const close = async () => {
    await end();
    closers.delete(close);
  };
  closers.add(close);
  return { close };
}
