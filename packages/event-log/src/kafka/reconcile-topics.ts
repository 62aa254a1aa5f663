import type { TopicConfig } from '../event-log.js';
import { createCluster } from './cluster.js';
import type { TopicMetadata } from './protocol.js';
import { type KafkaLogOptions, kafkaSettings } from './settings.js';
import { createKafkaTopics, describeTopics, replicationOf, topicSettings } from './topics.js';

/** A topic as data: what the log needs of it, and further settings of the broker's. */
export interface TopicPlan extends TopicConfig {
  readonly config: Readonly<Record<string, string>>;
}

/** A setting that is not as planned; nothing is changed by itself. */
export interface TopicDifference {
  readonly topic: string;
  readonly setting: string;
  readonly planned: string;
  readonly found: string;
}

export interface Reconciled {
  readonly created: readonly string[];
  readonly missing: readonly string[];
  readonly differences: readonly TopicDifference[];
}

/**
 * Creates what is missing and compares the rest. Another partition count is refused before
 * anything is created (`log_partition_count_fixed`): growth is a new topic generation.
 */
export async function reconcileTopics(
  options: KafkaLogOptions,
  plans: readonly TopicPlan[],
  { isCheckOnly }: { readonly isCheckOnly: boolean },
): Promise<Reconciled> {
  const cluster = createCluster(kafkaSettings(options));
  try {
    const before = await cluster.question(() => cluster.allTopics());
    const existing = new Set(before.map(({ topic }) => topic));
    const wanted = isCheckOnly ? plans.filter(({ name }) => existing.has(name)) : plans;
    const created = await createKafkaTopics(cluster, wanted);
    const found = await cluster.question(() => cluster.allTopics());
    const names = wanted.map(({ name }) => name);
    const described = await describeTopics(cluster, names);
    const replication = await cluster.question(() => replicationOf(cluster));
    const differences = wanted.flatMap((plan) => {
      const metadata = found.find(({ topic }) => topic === plan.name);
      return differencesOf(plan, replication, metadata, described.get(plan.name) ?? new Map());
    });
    const missing = plans.map(({ name }) => name).filter((name) => !found.some(isNamed(name)));
    return { created, missing, differences };
  } finally {
    cluster.close();
  }
}

function isNamed(name: string): (one: TopicMetadata) => boolean {
  return ({ topic }) => topic === name;
}

function differencesOf(
  { name, retentionMs, config }: TopicPlan,
  replication: number,
  metadata: TopicMetadata | undefined,
  found: ReadonlyMap<string, string>,
): TopicDifference[] {
  const planned = { ...topicSettings(retentionMs, replication), ...config };
  const differences = Object.entries(planned)
    .filter(([setting, value]) => found.get(setting) !== value)
    .map(([setting, value]) => ({
      topic: name,
      setting,
      planned: value,
      found: found.get(setting) ?? '',
    }));
  const copies = metadata?.partitionMetadata.map(({ replicas }) => replicas.length) ?? [];
  if (copies.every((count) => count === replication)) return differences;
  const fewest = String(Math.min(...copies));
  const setting = 'replication.factor';
  return [...differences, { topic: name, setting, planned: String(replication), found: fewest }];
}
