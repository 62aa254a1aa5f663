import { fail } from '@paycrawl/errors/paycrawl-error';
import type { TopicConfig } from '../event-log.js';
import type { Cluster } from './cluster.js';
import { brokerFault, kafkaType } from './faults.js';
import type { DescribedTopic, NewTopic } from './protocol.js';
import { messageBytesMax } from './settings.js';

const alreadyExists = 'TOPIC_ALREADY_EXISTS';
const unknownTopic = 'UNKNOWN_TOPIC_OR_PARTITION';
const replicasMaxDefault = 3;

/** What every topic of the log is set to, beside its retention. */
export function topicSettings(
  retentionMs: TopicConfig['retentionMs'],
  replicationFactor: number,
): Record<string, string> {
  return {
    // Facts are never compacted: a late writer could overwrite the newer truth.
    'cleanup.policy': 'delete',
    'retention.ms': retentionMs === 'forever' ? '-1' : String(retentionMs),
    'retention.bytes': '-1',
    // Time is the append time that the log gives; no writer can choose it.
    'message.timestamp.type': 'LogAppendTime',
    'max.message.bytes': String(messageBytesMax),
    // An acknowledged record survives the loss of any one broker.
    'min.insync.replicas': String(Math.max(1, replicationFactor - 1)),
    'unclean.leader.election.enable': 'false',
  };
}

/** Creates what is missing; fails before anything is created if a count differs. */
export async function createKafkaTopics(
  cluster: Cluster,
  topics: readonly TopicConfig[],
): Promise<string[]> {
  const found = new Map(
    (await cluster.question(() => cluster.allTopics())).map((one) => [
      one.topic,
      one.partitionMetadata.length,
    ]),
  );
  for (const { name, partitions } of topics) {
    const known = found.get(name) ?? partitions;
    if (known !== partitions) throw countFixed(name, known, partitions);
  }
  const missing = topics.filter(({ name }) => !found.has(name));
  if (missing.length > 0) await cluster.question(() => create(cluster, missing));
  // The answer comes from one broker; the others, and the leaders, may need a moment.
  for (const { name, partitions } of missing) await settled(cluster, name, partitions);
  return missing.map(({ name }) => name);
}

function countFixed(name: string, known: number, partitions: number) {
  return fail('log_partition_count_fixed', `${name} has ${known} partitions, not ${partitions}.`);
}

async function create(cluster: Cluster, topics: readonly TopicConfig[]): Promise<void> {
  const { requestTimeoutMs } = cluster.settings;
  const replicationFactor = await replicationOf(cluster);
  const { topicErrors } = await cluster.ask(
    undefined,
    'CreateTopics',
    {
      topics: topics.map((topic) => newTopic(topic, replicationFactor)),
      validateOnly: false,
      timeout: requestTimeoutMs,
    },
    requestTimeoutMs,
  );
  for (const { topic, errorCode, errorMessage } of topicErrors) {
    // Another process was quicker; its count is compared below.
    if (errorCode === 0 || kafkaType(errorCode) === alreadyExists) continue;
    throw brokerFault(errorCode, `to create ${topic}: ${errorMessage ?? ''}`);
  }
}

/** Copies of every partition: as configured, or as many as brokers allow, up to three. */
export async function replicationOf(cluster: Cluster): Promise<number> {
  const configured = cluster.settings.replicationFactor;
  return configured ?? Math.min(replicasMaxDefault, await cluster.brokersCount());
}

function newTopic(
  { name, partitions, retentionMs }: TopicConfig,
  replicationFactor: number,
): NewTopic {
  const settings = topicSettings(retentionMs, replicationFactor);
  return {
    topic: name,
    numPartitions: partitions,
    replicationFactor,
    configEntries: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
  };
}

async function settled(cluster: Cluster, name: string, partitions: number): Promise<void> {
  await cluster.question(async () => {
    const known = (await cluster.allTopics()).find(({ topic }) => topic === name);
    const led = known?.partitionMetadata.filter(({ leader }) => leader >= 0) ?? [];
    // UNKNOWN_TOPIC_OR_PARTITION: so far.
    if (known === undefined || led.length < known.partitionMetadata.length) {
      throw brokerFault(3, `to lead ${name}`);
    }
    if (led.length !== partitions) throw countFixed(name, led.length, partitions);
  });
}

export async function listKafkaTopics(cluster: Cluster): Promise<TopicConfig[]> {
  const topics = await cluster.question(() => cluster.allTopics());
  const described = await describeTopics(
    cluster,
    topics.map(({ topic }) => topic),
  );
  return topics.flatMap(({ topic, partitionMetadata }) => {
    const settings = described.get(topic);
    // Deleted between the two questions, as topics of wake-ups are.
    if (settings === undefined) return [];
    const retention = settings.get('retention.ms') ?? '-1';
    const retentionMs = retention === '-1' ? 'forever' : Number.parseInt(retention, 10);
    return { name: topic, partitions: partitionMetadata.length, retentionMs };
  });
}

/** The settings of topics as the brokers hold them, without those that are not there. */
export async function describeTopics(
  cluster: Cluster,
  names: readonly string[],
): Promise<Map<string, Map<string, string>>> {
  if (names.length === 0) return new Map();
  const resources = names.map((name) => ({ type: 2 as const, name, configNames: [] }));
  const answer = await cluster.question(() =>
    cluster.ask(undefined, 'DescribeConfigs', { resources }),
  );
  const there = answer.resources.filter(({ errorCode }) => kafkaType(errorCode) !== unknownTopic);
  return new Map(there.map((one) => [one.resourceName, entriesOf(one)]));
}

function entriesOf({ errorCode, configEntries, resourceName }: DescribedTopic) {
  if (errorCode !== 0) throw brokerFault(errorCode, `to describe ${resourceName}`);
  return new Map(configEntries.map(({ configName, configValue }) => [configName, configValue]));
}
