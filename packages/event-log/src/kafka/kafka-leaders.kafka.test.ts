import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type KafkaCluster, startKafka, wipeKafka } from '@paycrawl/testkit/kafka-broker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Collector, collector } from '../collector.given.js';
import type { Appended, EventLog } from '../event-log.js';
import { openKafkaLog } from '../kafka-log.js';
import { keysOf, newTopic, range, readAll, record } from './kafka-cluster.given.js';
import { pause } from './patience.js';

let directory = '';
let kafka: KafkaCluster;
let log: EventLog;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'paycrawl-kafka-'));
  kafka = await startKafka({ directory, nodes: 3 });
  log = openKafkaLog({ brokers: kafka.brokers, clientId: 'leaders' });
});

afterAll(async () => {
  await log?.close();
  await wipeKafka(directory);
});

interface Acknowledged {
  readonly key: string;
  readonly place: Appended | undefined;
  readonly atMs: number;
}

/** The longest time between two acknowledgements of one writer, after a moment. */
function longestGapMs(items: readonly Acknowledged[], sinceMs: number): number {
  const lastOf = new Map<string, number>();
  let longest = 0;
  for (const { key, atMs } of items) {
    const writer = key.split(':')[0] ?? '';
    const last = lastOf.get(writer);
    if (last !== undefined && atMs > sinceMs) longest = Math.max(longest, atMs - last);
    lastOf.set(writer, atMs);
  }
  return Math.round(longest);
}

async function onward(acknowledged: Collector<Acknowledged>, records: number): Promise<void> {
  const { length } = acknowledged.items;
  await acknowledged.until((items) => items.length >= length + records);
}

test('behavior: kill -9 of one, then another of three brokers loses and doubles nothing', async () => {
  const topic = await newTopic(log, 6);
  const acknowledged = collector<Acknowledged>();
  const handled = collector<string>();
  const writing = { isOn: true };
  const write = async (partition: number) => {
    const producer = log.producer();
    for (let n = 0; writing.isOn; n += 1) {
      const key = `${partition}:${n}`;
      const [place] = await producer.append([record(topic, partition, key)]);
      acknowledged.add({ key, place, atMs: performance.now() });
      // The pace of the load.
      await pause(10);
    }
  };
  const member = await log.joinGroup({
    groupId: topic,
    topics: [topic],
    onAssign: async (_, committed) => committed ?? 0,
    onRecords: async (_, records) => handled.add(...keysOf(records)),
    onRevoke: async () => undefined,
    onError: (error) => handled.fail(error),
  });
  const writers = range(6).map(write);
  await onward(acknowledged, 300);
  for (const node of [0, 1]) {
    const killedMs = performance.now();
    kafka.kill(node);
    await onward(acknowledged, 300);
    await acknowledged.until((items) => {
      const after = items.filter(({ atMs }) => atMs > killedMs);
      return new Set(after.map(({ place }) => place?.partition)).size === 6;
    });
    const gapMs = longestGapMs(acknowledged.items, killedMs);
    console.log(`kill -9 of broker ${node + 1} of 3: longest wait of a writer ${gapMs} ms`);
    expect(gapMs).toBeLessThan(15_000);
    await kafka.start(node);
    await onward(acknowledged, 300);
  }
  writing.isOn = false;
  await Promise.all(writers);
  await handled.until((keys) => keys.length >= acknowledged.items.length);
  expect([...handled.items].sort()).toEqual(acknowledged.items.map(({ key }) => key).sort());
  const stands = new Map<string, number>();
  for (const partition of range(6)) {
    const records = await readAll(log, { topic, partition });
    expect(new Set(keysOf(records)).size).toBe(records.length);
    for (const { key, offset } of records) stands.set(key, offset);
  }
  for (const { key, place } of acknowledged.items) expect(stands.get(key)).toBe(place?.offset);
  await member.close();
}, 120_000);
