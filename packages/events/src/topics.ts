/** The topics of the log as data; infra/kafka/topics is compared with this in CI. */

export interface TopicDefinition {
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
  return { partitioning, retention, writtenBy };
}

/** A process lives in one generation, which it learns from the registry at its start (ADR 0007). */
let generationInForce = 1;

export function generation(): number {
  return generationInForce;
}

/** Before anything asks for a name; only `@paycrawl/event-log/generation` and tests call this. */
export function setGeneration(inForce: number): void {
  generationInForce = inForce;
}

/**
 * The name in the log: topic and generation, e.g. `payments.1`. Topics of one partition never grow
 * and keep the first: the registry, which tells the generation, is found without knowing it.
 */
export function physicalTopic(name: TopicName, of = generationInForce): string {
  return `${name}.${topicDefinitions[name].partitioning === 'one' ? 1 : of}`;
}

/** Below a service's store folder: offsets of another generation mean something else. */
export function partitionFolder(partition: number): string {
  return generationInForce === 1 ? `${partition}` : `generation-${generationInForce}/${partition}`;
}

/** The generation in a physical name. */
export function generationOf(topic: string): number {
  return Number.parseInt(topic.slice(topic.lastIndexOf('.') + 1), 10);
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
  of = generationInForce,
): { name: string; partitions: number; retentionMs: number | 'forever' }[] {
  return (Object.keys(topicDefinitions) as TopicName[]).map((name) => ({
    name: physicalTopic(name, of),
    partitions: partitionCount(name, counts),
    retentionMs: topicDefinitions[name].retention === 'forever' ? 'forever' : retentionMs,
  }));
}

/**
 * Who shares out a topic: members of one group must read the same topics, and while processes are
 * replaced some are of the old generation and some of the new one.
 */
export function groupOf(group: string, topic: string): string {
  const of = generationOf(topic);
  return of === 1 ? group : `${group}-${of}`;
}
