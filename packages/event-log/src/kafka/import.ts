import { fail } from '@paycrawl/errors/paycrawl-error';
import { type Admin, Kafka, logLevel, type Producer, type SASLOptions } from 'kafkajs';
import type { LogRecord } from '../event-log.js';
import type { ImportTopic, LogImport } from '../import-log.js';
import { type KafkaLogOptions, kafkaSettings } from './settings.js';
import { topicSettings } from './topics.js';

const batchBytesMax = 1024 ** 2;
const replicasMaxDefault = 3;
const topicResource = 2;

/**
 * A log in brokers that have none of its topics. While it is written the topics take the times
 * that records bring (`CreateTime`); each partition has one writer and one batch in flight, and
 * every answer must name the expected offset, so the client of kafkajs is good enough here.
 */
export function openKafkaImport(options: KafkaLogOptions): LogImport {
  const { brokers, clientId, tls, sasl } = kafkaSettings(options);
  const kafka = new Kafka({
    ...{ brokers: [...brokers], clientId, logLevel: logLevel.NOTHING },
    ...(tls === undefined ? {} : { ssl: tls }),
    ...(sasl === undefined ? {} : { sasl: { ...sasl } as SASLOptions }),
  });
  const admin = kafka.admin();
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  const earliest = new Map<string, readonly number[]>();
  let configs: { readonly topic: ImportTopic; readonly replication: number }[] = [];

  return {
    async begin(topics) {
      await admin.connect();
      const found = new Set(await admin.listTopics());
      const there = topics.filter(({ name }) => found.has(name)).map(({ name }) => name);
      if (there.length > 0) {
        throw fail('restore_not_empty', `the brokers have ${there.join(', ')} already`);
      }
      const count = (await admin.describeCluster()).brokers.length;
      const replication = options.replicationFactor ?? Math.min(replicasMaxDefault, count);
      configs = topics.map((topic) => ({ topic, replication }));
      for (const topic of topics) {
        assertWhole(topic);
        earliest.set(topic.name, topic.earliest);
      }
      await createTopics(admin, configs);
      await producer.connect();
    },
    async append(records) {
      for (const batch of batchesOf(records)) await send(producer, batch, earliest);
    },
    async finish() {
      await admin.alterConfigs({
        validateOnly: false,
        resources: configs.map(({ topic, replication }) => ({
          ...{ type: topicResource, name: topic.name },
          configEntries: entriesOf(topicSettings(topic.retentionMs, replication)),
        })),
      });
    },
    async close() {
      await producer.disconnect();
      await admin.disconnect();
    },
  };
}

/** Brokers count from 0: what others point into must be there from its beginning. */
function assertWhole({ name, retentionMs, earliest }: ImportTopic): void {
  if (retentionMs !== 'forever' || earliest.every((offset) => offset === 0)) return;
  throw fail('backup_damaged', `${name} does not begin at 0`);
}

async function createTopics(
  admin: Admin,
  configs: readonly { readonly topic: ImportTopic; readonly replication: number }[],
): Promise<void> {
  await admin.createTopics({
    waitForLeaders: true,
    topics: configs.map(({ topic, replication }) => ({
      topic: topic.name,
      ...{ numPartitions: topic.partitions, replicationFactor: replication },
      configEntries: entriesOf({
        ...topicSettings(topic.retentionMs, replication),
        'message.timestamp.type': 'CreateTime',
      }),
    })),
  });
}

function entriesOf(settings: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(settings).map(([name, value]) => ({ name, value }));
}

function* batchesOf(records: readonly LogRecord[]): Generator<LogRecord[]> {
  let batch: LogRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    if (bytes > 0 && bytes + record.value.length > batchBytesMax) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(record);
    bytes += record.value.length;
  }
  if (batch.length > 0) yield batch;
}

async function send(
  producer: Producer,
  batch: readonly LogRecord[],
  earliest: ReadonlyMap<string, readonly number[]>,
): Promise<void> {
  const [first] = batch;
  if (first === undefined) return;
  const { topic, partition } = first;
  const messages = batch.map(({ key, value, timestampMs }) => ({
    ...{ key, value, partition, timestamp: String(timestampMs) },
  }));
  const [written] = await producer.send({ topic, acks: -1, messages });
  const expected = first.offset - (earliest.get(topic)?.[partition] ?? 0);
  if (written?.baseOffset === String(expected)) return;
  const detail = `${topic}/${partition} put ${expected} at ${written?.baseOffset}`;
  throw fail('log_unavailable', `${detail}: empty the brokers and restore again.`);
}
