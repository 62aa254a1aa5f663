/** The topics of the log as data; infra/kafka/topics is compared with this in CI. */

export interface TopicDefinition {
  /** Raised by a written migration only (another partition count, a restore, a move). */
  readonly generation: number;
  /** `payer`: the fixed number shared by all payer topics; `publisher`: likewise; `one`: one. */
  readonly partitioning: 'payer' | 'publisher' | 'one';
  readonly retention: 'forever' | 'a_time';
  readonly writtenBy: readonly string[];
}

export const topicDefinitions = {
  challenges: topic('publisher', 'a_time', ['ingress']),
  payments: topic('payer', 'forever', ['ingress', 'verifier', 'settlement']),
  decisions: topic('payer', 'forever', ['verifier', 'metering']),
  ledger: topic('payer', 'forever', ['metering']),
  charges: topic('payer', 'forever', ['metering', 'settlement']),
  settlements: topic('payer', 'forever', ['settlement']),
  registry: topic('one', 'forever', ['analytics', 'settlement', 'standalone']),
  'snapshots-verifier': topic('payer', 'a_time', ['verifier']),
  'snapshots-metering': topic('payer', 'a_time', ['metering']),
  'snapshots-settlement': topic('payer', 'a_time', ['settlement']),
  'dead-letters': topic('one', 'a_time', ['verifier', 'metering', 'settlement', 'analytics']),
} as const satisfies Record<string, TopicDefinition>;

export type TopicName = keyof typeof topicDefinitions;

function topic(
  partitioning: TopicDefinition['partitioning'],
  retention: TopicDefinition['retention'],
  writtenBy: readonly string[],
): TopicDefinition {
  return { generation: 1, partitioning, retention, writtenBy };
}

/** The name in the log: topic and generation, e.g. `payments.1`. */
export function physicalTopic(name: TopicName): string {
  return `${name}.${topicDefinitions[name].generation}`;
}

export interface PartitionCounts {
  readonly payer: number;
  readonly publisher: number;
}

export function partitionCount(name: TopicName, counts: PartitionCounts): number {
  const { partitioning } = topicDefinitions[name];
  return partitioning === 'one' ? 1 : counts[partitioning];
}

/** What `EventLog.createTopics` takes, for all topics. */
export function topicConfigs(
  counts: PartitionCounts,
  retentionMs: number,
): { name: string; partitions: number; retentionMs: number | 'forever' }[] {
  return (Object.keys(topicDefinitions) as TopicName[]).map((name) => ({
    name: physicalTopic(name),
    partitions: partitionCount(name, counts),
    retentionMs: topicDefinitions[name].retention === 'forever' ? 'forever' : retentionMs,
  }));
}
