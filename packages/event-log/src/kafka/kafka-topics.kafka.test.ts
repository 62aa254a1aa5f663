import { expect, inject, test } from 'vitest';
import { createCluster } from './cluster.js';
import { newTopic, openSharedKafka } from './kafka-cluster.given.js';
import type { TopicPlan } from './reconcile-topics.js';
import { reconcileTopics } from './reconcile-topics.js';
import { kafkaSettings } from './settings.js';
import { describeTopics } from './topics.js';

const options = { brokers: inject('kafkaBrokers'), clientId: 'topics' };

function plan(name: string, partitions: number, config: Record<string, string> = {}): TopicPlan {
  return { name, partitions, retentionMs: 3_600_000, config };
}

test('behavior: what is missing is created as planned, and is as planned from then on', async () => {
  const plans = ['a', 'b'].map((letter) => plan(`topics-${letter}-${Date.now()}`, 3));
  const names = plans.map(({ name }) => name);
  const checked = await reconcileTopics(options, plans, { isCheckOnly: true });
  expect(checked).toEqual({ created: [], missing: names, differences: [] });
  const made = await reconcileTopics(options, plans, { isCheckOnly: false });
  expect(made).toEqual({ created: names, missing: [], differences: [] });
  const again = await reconcileTopics(options, plans, { isCheckOnly: false });
  expect(again).toEqual({ created: [], missing: [], differences: [] });
});

test('behavior: another setting is reported and left as it is', async () => {
  const name = `topics-differs-${Date.now()}`;
  await reconcileTopics(options, [plan(name, 1)], { isCheckOnly: false });
  const wanted = plan(name, 1, { 'message.timestamp.type': 'CreateTime' });
  const { differences } = await reconcileTopics(options, [wanted], { isCheckOnly: false });
  const setting = 'message.timestamp.type';
  expect(differences).toEqual([
    { topic: name, setting, planned: 'CreateTime', found: 'LogAppendTime' },
  ]);
});

test('error: log_partition_count_fixed, before anything is created', async () => {
  const old = `topics-old-${Date.now()}`;
  const fresh = `topics-fresh-${Date.now()}`;
  await reconcileTopics(options, [plan(old, 2)], { isCheckOnly: false });
  const grown = reconcileTopics(options, [plan(fresh, 2), plan(old, 4)], { isCheckOnly: false });
  await expect(grown).rejects.toMatchObject({ code: 'log_partition_count_fixed' });
  const checked = await reconcileTopics(options, [plan(fresh, 2)], { isCheckOnly: true });
  expect(checked.missing).toEqual([fresh]);
});

test('behavior: many topics are asked for at once by a log that knows none of them yet', async () => {
  const log = openSharedKafka();
  const topics = [await newTopic(log), await newTopic(log), await newTopic(log)];
  const fresh = openSharedKafka();
  const ends = await Promise.all(topics.map((topic) => fresh.offsets({ topic, partition: 0 })));
  expect(ends).toEqual(topics.map(() => ({ earliest: 0, next: 0 })));
  await fresh.close();
  await log.close();
});

test('behavior: a topic that is deleted while topics are listed is not in the list', async () => {
  const log = openSharedKafka();
  const there = await newTopic(log);
  const cluster = createCluster(kafkaSettings(options));
  const described = await describeTopics(cluster, [there, `gone-${Date.now()}`]);
  expect([...described.keys()]).toEqual([there]);
  cluster.close();
  await log.close();
});
