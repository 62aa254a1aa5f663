import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collector } from '../collector.given.js';
import type { EventLog, LogRecord } from '../event-log.js';
import { openLmdbLog } from '../lmdb-log.js';
import { createWaiters } from '../waiters.js';
import { lmdbSettings } from './settings.js';
import { closeTopicStore, openTopicStore, readTopic, topicOffsets } from './topic-store.js';
import { createTopicWriter, drainWriter, enqueue } from './topic-writer.js';

const topic = 't';
const place = { topic, partition: 0 };
let directory = '';
let nowMs = 0;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'paycrawl-log-'));
  nowMs = 1_000;
});

afterEach(() => rm(directory, { recursive: true, force: true }));

function open() {
  const clock = () => nowMs;
  return openLmdbLog({ directory, clock, segmentBytesMax: 3_000, retentionEveryMs: 0 });
}

function folders(): Promise<string[]> {
  return readdir(path.join(directory, 'topics', topic));
}

async function fill(log: EventLog, records: number, name = 'r'): Promise<void> {
  const producer = log.producer();
  for (let n = 0; n < records; n += 1) {
    await producer.append([{ ...place, key: `${name}-${n}`, value: Buffer.alloc(1_000) }]);
  }
  await producer.close();
}

test('behavior: appends of one turn share a commit', async () => {
  let commits = 0;
  // The clock is asked once by each commit.
  const log = openLmdbLog({ directory, clock: () => ++commits, retentionEveryMs: 0 });
  await log.createTopics([{ name: topic, partitions: 1, retentionMs: 'forever' }]);
  const before = commits;
  const [one, two] = [log.producer(), log.producer()];
  const record = { ...place, key: 'k', value: Buffer.from('v') };
  const calls = Array.from({ length: 500 }, (_, n) => (n % 2 === 0 ? one : two).append([record]));
  await Promise.all(calls);
  expect(commits - before).toBeLessThanOrEqual(2);
  await log.close();
});

test('behavior: segments roll by size and expire as whole folders', async () => {
  const log = open();
  await log.createTopics([{ name: topic, partitions: 1, retentionMs: 10_000 }]);
  await fill(log, 10);
  expect(await folders()).toEqual(['0000000000', '0000000001', '0000000002', '0000000003']);
  nowMs += 5_000;
  await fill(log, 1);
  nowMs += 6_000;
  await log.expireSegments();
  // The eleventh record came into a segment of its own: the one before was old by then.
  expect(await folders()).toEqual(['0000000004']);
  expect(await log.offsets(place)).toEqual({ earliest: 10, next: 11 });
  await log.close();
  const again = open();
  expect(await again.offsets(place)).toEqual({ earliest: 10, next: 11 });
  expect((await again.read(place, 0, 1))[0]?.key).toBe('r-0');
  await again.close();
});

test('behavior: what a crash left of a deletion is swept', async () => {
  const log = open();
  await log.createTopics([{ name: topic, partitions: 1, retentionMs: 10_000 }]);
  await fill(log, 4);
  nowMs += 20_000;
  await log.expireSegments();
  mkdirSync(path.join(directory, 'topics', topic, '0000000000'));
  mkdirSync(path.join(directory, 'topics', topic, '0000000001.deleted-1'));
  await log.expireSegments();
  expect(await folders()).toEqual(['0000000002']);
  await log.close();
});

test('behavior: a process that slept through rolls and expiry goes on at the first kept', async () => {
  // Two stores of one topic are what two processes have.
  const config = { name: topic, partitions: 1, retentionMs: 10_000 };
  const settings = lmdbSettings({ directory, clock: () => nowMs, segmentBytesMax: 3_000 });
  let first = 0;
  const storeOptions = {
    config,
    directory,
    settings,
    waiters: createWaiters(),
    firstSegmentId: () => first,
  };
  const sleeper = openTopicStore(storeOptions);
  const worker = openTopicStore(storeOptions);
  const writer = createTopicWriter(worker);
  for (let n = 0; n < 10; n += 1) {
    await new Promise<void>((resolve, reject) => {
      const records = [{ ...place, key: `r-${n}`, value: Buffer.alloc(1_000) }];
      const appended = [{ ...place, offset: -1, timestampMs: 0 }];
      enqueue(writer, {
        records,
        appended,
        producer: { dead: undefined, lingerMs: 0 },
        resolve,
        reject,
      });
    });
  }
  await drainWriter(writer);
  first = 3;
  await topicOffsets(worker, 0);
  expect(existsSync(path.join(directory, '0000000001'))).toBe(false);
  expect(readTopic(sleeper, 0, 5, 1)[0]?.key).toBe('r-9');
  expect(await topicOffsets(sleeper, 0)).toEqual({ earliest: 9, next: 10 });
  expect(existsSync(path.join(directory, '0000000001'))).toBe(false);
  await closeTopicStore(sleeper);
  await closeTopicStore(worker);
});

test('behavior: openers in one process share the log and close on their own', async () => {
  const one = open();
  await one.createTopics([{ name: topic, partitions: 1, retentionMs: 'forever' }]);
  const two = open();
  const seen = collector<string>();
  await one.tail({
    ...place,
    fromOffset: 0,
    onRecords: async (records) => seen.add(...records.map(({ key }) => key)),
    onError: (error) => seen.fail(error),
  });
  await fill(two, 1, 'before');
  await seen.until((keys) => keys.length === 1);
  await one.close();
  await expect(one.read(place, 0, 1)).rejects.toMatchObject({ code: 'log_closed' });
  await fill(two, 1, 'after');
  expect(await two.offsets(place)).toEqual({ earliest: 0, next: 2 });
  expect(seen.items).toEqual(['before-0']);
  await two.close();
});

test('behavior: readers of one process get the same objects, equal to what is on disk', async () => {
  const log = open();
  await log.createTopics([{ name: topic, partitions: 1, retentionMs: 'forever' }]);
  await fill(log, 1, 'before');
  const seen = [collector<LogRecord>(), collector<LogRecord>()] as const;
  for (const each of seen) {
    await log.tail({
      ...place,
      fromOffset: 0,
      onRecords: async (records) => each.add(...records),
      onError: (error) => each.fail(error),
    });
  }
  for (const { until } of seen) await until((records) => records.length === 1);
  const value = Buffer.from('value');
  await log.producer().append(['a', 'é', 'lone \ud800'].map((key) => ({ ...place, key, value })));
  await fill(log, 5, 'after');
  for (const { until } of seen) await until((records) => records.length === 9);
  const [one, two] = seen;
  // The first one was read by one of them before the other was there.
  expect(one.items.slice(1).every((record, n) => record === two.items[n + 1])).toBe(true);
  expect(one.items[1]?.value).toBe(value);
  expect(one.items).toEqual(await log.read(place, 0, 100));
  await log.close();
});
