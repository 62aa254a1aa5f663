import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, topicConfigs } from '@paycrawl/events/topics';
import { expect, test } from 'vitest';
import { fundsOf, proofOf, randomAddress } from '../../admission-records.js';
import { giveAtOnce, giveInTime, markLog, recordLog, recordsFor } from './recorded-log.js';

const topic = physicalTopic('payments');

async function logAt(clock: () => number) {
  const log = createMemoryLog({ clock });
  await log.createTopics(topicConfigs({ payer: 1, publisher: 1 }, 60_000));
  return log;
}

function recordOf(event: ReturnType<typeof fundsOf> | ReturnType<typeof proofOf>, id: string) {
  const value = encodeEvent({ ...event, id, source: 'test', timeMs: 0 });
  return { topic, partition: 0, key: 'k', value };
}

test('behavior: what was written after the mark is given again in its order, at its pace', async () => {
  let nowMs = 1_000;
  const log = await logAt(() => nowMs);
  const producer = log.producer();
  const from = randomAddress();
  await producer.append([recordOf(fundsOf(from), 'funds')]);
  const mark = await markLog(log);
  for (const [i, atMs] of [2_000, 2_040, 2_120].entries()) {
    nowMs = atMs;
    await producer.append([recordOf(proofOf(from, i), `proof ${i}`)]);
  }
  const recorded = await recordLog(log, mark);
  expect([recorded.before.length, recorded.measured.length]).toEqual([1, 3]);

  const other = await logAt(() => Math.floor(performance.now()));
  await giveAtOnce(other, recorded.before);
  await giveInTime(other, recorded.measured);
  const given = await other.read({ topic, partition: 0 }, 0, 10);
  const values = [...recorded.before, ...recorded.measured].map(({ value }) => value);
  expect(given.map(({ value }) => value)).toEqual(values);
  const [, first = 0, , last = 0] = given.map(({ timestampMs }) => timestampMs);
  expect(last - first).toBeGreaterThanOrEqual(100);
});

test('behavior: a service is given what it reads, and of that what is meant for it', async () => {
  const log = await logAt(() => 1_000);
  const from = randomAddress();
  const records = [recordOf(fundsOf(from), 'a'), recordOf(proofOf(from, 1), 'b')];
  await log.producer().append(records);
  const { measured } = await recordLog(log, new Map());
  expect(recordsFor(measured, ['decisions'])).toEqual([]);
  expect(recordsFor(measured, ['payments'])).toHaveLength(2);
  expect(recordsFor(measured, ['payments'], (type) => type === 'FundsObserved')).toHaveLength(1);
});
