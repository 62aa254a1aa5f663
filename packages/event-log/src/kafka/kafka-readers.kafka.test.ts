import { Kafka } from 'kafkajs';
import { expect, inject, test } from 'vitest';
import { collector } from '../collector.given.js';
import { keysOf, newTopic, openSharedKafka, range, record } from './kafka-cluster.given.js';

test('behavior: expired records go from the front; readers below go on at the earliest', async () => {
  const log = openSharedKafka();
  const topic = await newTopic(log);
  const place = { topic, partition: 0 };
  const producer = log.producer();
  for (const n of range(10)) await producer.append([record(topic, 0, String(n))]);
  // What the broker does by itself when the retention is over.
  const admin = new Kafka({ brokers: [...inject('kafkaBrokers')], logLevel: 0 }).admin();
  await admin.connect();
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] });
  await admin.disconnect();
  expect(await log.offsets(place)).toEqual({ earliest: 6, next: 10 });
  expect(keysOf(await log.read(place, 0, 2))).toEqual(['6', '7']);
  const seen = collector<string>();
  const tail = await log.tail({
    ...place,
    fromOffset: 2,
    onRecords: async (records) => seen.add(...keysOf(records)),
    onError: (error) => seen.fail(error),
  });
  await seen.until((keys) => keys.length === 4);
  expect(seen.items).toEqual(['6', '7', '8', '9']);
  await tail.close();
  await log.close();
});

test('behavior: a tail beyond the end waits there and skips nothing', async () => {
  const log = openSharedKafka();
  const topic = await newTopic(log);
  const producer = log.producer();
  const seen = collector<number>();
  const tail = await log.tail({
    topic,
    partition: 0,
    fromOffset: 3,
    onRecords: async (records) => seen.add(...records.map(({ offset }) => offset)),
    onError: (error) => seen.fail(error),
  });
  for (const n of range(6)) await producer.append([record(topic, 0, String(n))]);
  await seen.until((offsets) => offsets.length === 3);
  expect(seen.items).toEqual([3, 4, 5]);
  await tail.close();
  await log.close();
});

test('error: log_closed', async () => {
  const log = openSharedKafka();
  const topic = await newTopic(log);
  const producer = log.producer();
  const place = { topic, partition: 0 };
  await log.close();
  const closed = { code: 'log_closed' };
  await expect(log.offsets(place)).rejects.toMatchObject(closed);
  await expect(log.read(place, 0, 1)).rejects.toMatchObject(closed);
  await expect(producer.append([record(topic, 0, 'a')])).rejects.toMatchObject(closed);
  await log.close();
});

test('error: log_unavailable where no broker answers, in the time of a question', async () => {
  // Port 1 is reserved, and nothing listens there.
  const log = openSharedKafka({ brokers: ['127.0.0.1:1'], questionTimeoutMs: 500 });
  const beginMs = performance.now();
  const unavailable = { code: 'log_unavailable' };
  await expect(log.topics()).rejects.toMatchObject(unavailable);
  await expect(log.producer().append([record('t', 0, 'a')])).rejects.toMatchObject(unavailable);
  // A question that nobody limits takes 10 s.
  expect(performance.now() - beginMs).toBeLessThan(8_000);
  await log.close();
});
