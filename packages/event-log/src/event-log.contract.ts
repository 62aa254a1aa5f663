/**
 * What every adapter of the event log must do. Nothing here asks for more than Kafka gives: no
 * wish about when a partition comes to a member, how records are cut into batches or what the
 * clock says; only about order, durability and who may hold what.
 */
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { collector } from './collector.given.js';
import {
  type Context,
  type ContractFixture,
  keysOf,
  openGate,
  range,
  readAll,
  record,
} from './contract.given.js';
import type { Appended } from './event-log.js';
import { groupContract, groupFailureContract } from './event-log-groups.contract.js';

let topicsMade = 0;

export function eventLogContract(name: string, factory: () => Promise<ContractFixture>): void {
  describe(`event log contract: ${name}`, () => {
    const context: Context = {
      // Set before every test.
      fixture: undefined as never,
      async newTopic(partitions = 2, retentionMs = 'forever') {
        topicsMade += 1;
        const topic = `contract-${process.pid}-${topicsMade}`;
        await context.fixture.log().createTopics([{ name: topic, partitions, retentionMs }]);
        return topic;
      },
    };
    beforeEach(async () => {
      context.fixture = await factory();
    });
    afterEach(() => context.fixture.dispose());
    appendContract(context);
    refusalContract(context);
    keepingContract(context);
    tailContract(context);
    groupContract(context);
    groupFailureContract(context);
  });
}

function appendContract(context: Context): void {
  test('behavior: an acknowledged record stands where the acknowledgement says', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic();
    const producer = log.producer();
    const [first] = await producer.append([record(topic, 1, 'a')]);
    const [second, third] = await producer.append([record(topic, 1, 'b'), record(topic, 0, 'c')]);
    expect([first?.offset, second?.offset, third?.offset]).toEqual([0, 1, 0]);
    expect(await log.read({ topic, partition: 1 }, 0, 10)).toEqual([
      { ...record(topic, 1, 'a'), offset: 0, timestampMs: first?.timestampMs },
      { ...record(topic, 1, 'b'), offset: 1, timestampMs: second?.timestampMs },
    ]);
    expect(await log.offsets({ topic, partition: 1 })).toEqual({ earliest: 0, next: 2 });
    expect(await producer.append([])).toEqual([]);
    await producer.close();
  });

  test('behavior: one append may go to several topics and answers in its own order', async () => {
    const log = context.fixture.log();
    const [one, two] = [await context.newTopic(), await context.newTopic()];
    const producer = log.producer();
    const records = [record(two, 0, 'a'), record(one, 1, 'b'), record(two, 0, 'c')];
    const places = await producer.append(records);
    expect(places.map(({ topic, offset }) => [topic, offset])).toEqual([
      [two, 0],
      [one, 0],
      [two, 1],
    ]);
    await producer.close();
  });

  test('behavior: records of one producer keep the order of its calls; offsets are dense', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(2);
    const producers = [log.producer(), log.producer(), log.producer()];
    const calls: Promise<Appended[]>[] = [];
    for (const turn of range(200)) {
      producers.forEach((producer, p) => {
        const batch = range((turn % 3) + 1).map((n) =>
          record(topic, turn % 2, `${p}:${turn}:${n}`),
        );
        calls.push(producer.append(batch));
      });
      // Some turns wait, so that the appends spread over many commits.
      if (turn % 50 === 49) await calls.at(-1);
    }
    await Promise.all(calls);
    for (const partition of [0, 1]) {
      const records = await readAll(log, { topic, partition });
      expect(records.map(({ offset }) => offset)).toEqual(range(records.length));
      for (const p of range(producers.length)) {
        const mine = keysOf(records).filter((key) => key.startsWith(`${p}:`));
        const turns = range(200).filter((turn) => turn % 2 === partition);
        const expected = turns.flatMap((turn) =>
          range((turn % 3) + 1).map((n) => `${p}:${turn}:${n}`),
        );
        expect(mine).toEqual(expected);
      }
    }
    await Promise.all(producers.map((producer) => producer.close()));
  });

  test('behavior: the records of one call are adjacent within a partition', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(1);
    const producer = log.producer();
    const calls = range(100).map((call) =>
      producer.append(range(5).map((n) => record(topic, 0, `${call}:${n}`))),
    );
    for (const places of await Promise.all(calls)) {
      const first = places[0]?.offset ?? Number.NaN;
      expect(places.map(({ offset }) => offset - first)).toEqual(range(5));
    }
    await producer.close();
  });

  test('behavior: append times never go back within a partition', async () => {
    const { setClockMs, log } = context.fixture;
    const topic = await context.newTopic(1);
    const producer = log().producer();
    for (const nowMs of [5_000, 4_000, 6_000, 1, 6_000, 7_000]) {
      setClockMs?.(nowMs);
      await producer.append([record(topic, 0, String(nowMs))]);
    }
    const times = (await readAll(log(), { topic, partition: 0 })).map((r) => r.timestampMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    if (setClockMs !== undefined) expect(times).toEqual([5_000, 5_000, 6_000, 6_000, 6_000, 7_000]);
    await producer.close();
  });

  test('property: keys and values come back byte for byte', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(2);
    const producer = log.producer();
    const anyRecord = fc.record({
      partition: fc.integer({ min: 0, max: 1 }),
      key: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.constant('')),
      value: fc.uint8Array({ maxLength: 5_000 }),
    });
    const property = fc.asyncProperty(fc.array(anyRecord, { maxLength: 40 }), async (drafts) => {
      const records = drafts.map(({ value, ...rest }) => ({
        ...rest,
        topic,
        value: Buffer.from(value),
      }));
      const places = await producer.append(records);
      for (const [index, place] of places.entries()) {
        const [found] = await log.read(place, place.offset, 1);
        expect(found?.key).toBe(records[index]?.key);
        expect(found?.value.equals(records[index]?.value ?? Buffer.from('x'))).toBe(true);
      }
    });
    await fc.assert(property, { numRuns: 25 });
    await producer.close();
  });
}

function refusalContract(context: Context): void {
  test('error: log_partition_count_fixed', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(2);
    await log.createTopics([{ name: topic, partitions: 2, retentionMs: 'forever' }]);
    const other = log.createTopics([{ name: topic, partitions: 3, retentionMs: 'forever' }]);
    await expect(other).rejects.toMatchObject({ code: 'log_partition_count_fixed' });
    const found = (await log.topics()).find(({ name }) => name === topic);
    expect(found?.partitions).toBe(2);
  });

  test('error: log_unknown_partition', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(2);
    const producer = log.producer();
    const unknown = { code: 'log_unknown_partition' };
    await expect(producer.append([record(topic, 2, 'a')])).rejects.toMatchObject(unknown);
    await expect(producer.append([record('nowhere', 0, 'a')])).rejects.toMatchObject(unknown);
    await expect(log.read({ topic, partition: 2 }, 0, 1)).rejects.toMatchObject(unknown);
    await expect(log.offsets({ topic: 'nowhere', partition: 0 })).rejects.toMatchObject(unknown);
    // A caller's mistake does not finish the producer.
    expect(await producer.append([record(topic, 1, 'a')])).toHaveLength(1);
    await producer.close();
  });

  test('error: log_overloaded, and nothing of the refused call is written', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(1);
    const producer = log.producer({ queueRecordsMax: 10 });
    const accepted = range(9).map((n) => producer.append([record(topic, 0, `kept-${n}`)]));
    const refused = producer.append([record(topic, 0, 'lost-1'), record(topic, 0, 'lost-2')]);
    await expect(refused).rejects.toMatchObject({ code: 'log_overloaded' });
    await Promise.all(accepted);
    await producer.append([record(topic, 0, 'after')]);
    const keys = keysOf(await readAll(log, { topic, partition: 0 }));
    expect(keys).toEqual([...range(9).map((n) => `kept-${n}`), 'after']);
    await producer.close();
  });

  test('error: log_unavailable of a discarded producer, at once and for whatever comes', async () => {
    const topic = await context.newTopic();
    const log = context.fixture.log();
    const producer = log.producer();
    await producer.append([record(topic, 0, 'before')]);
    const appends = range(20).map((n) => producer.append([record(topic, 0, `n${n}`)]));
    producer.discard();
    const outcomes = await Promise.allSettled(appends);
    const late = producer.append([record(topic, 0, 'late')]);
    await expect(late).rejects.toSatisfy((error) => hasCode(error, 'log_unavailable'));
    const keys = keysOf(await readAll(log, { topic, partition: 0 }));
    expect(keys).not.toContain('late');
    outcomes.forEach((outcome, n) => {
      if (outcome.status === 'fulfilled') expect(keys).toContain(`n${n}`);
      else expect(hasCode(outcome.reason, 'log_unavailable')).toBe(true);
    });
    await producer.close();
  });

  test('behavior: closing a producer writes what it accepted and refuses the rest', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(1);
    const producer = log.producer();
    const accepted = range(50).map((n) => producer.append([record(topic, 0, String(n))]));
    await producer.close();
    await Promise.all(accepted);
    const late = producer.append([record(topic, 0, 'late')]);
    await expect(late).rejects.toSatisfy((error) => hasCode(error, 'log_closed'));
    expect(await log.offsets({ topic, partition: 0 })).toEqual({ earliest: 0, next: 50 });
  });
}

function keepingContract(context: Context): void {
  test('behavior: a reader may begin at any offset', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(1);
    const producer = log.producer();
    await producer.append(range(30).map((n) => record(topic, 0, `a${n}`)));
    for (const n of range(10)) await producer.append([record(topic, 0, `b${n}`)]);
    const place = { topic, partition: 0 };
    const all = await readAll(log, place);
    for (const from of [0, 1, 29, 30, 31, 39]) {
      expect(await log.read(place, from, 100)).toEqual(all.slice(from));
      expect(await log.read(place, from, 3)).toEqual(all.slice(from, from + 3));
    }
    expect(await log.read(place, 40, 10)).toEqual([]);
    expect(await log.read(place, 400, 10)).toEqual([]);
    await producer.close();
  });

  test('behavior: what was acknowledged is there after the log was opened again', async () => {
    const { fixture } = context;
    if (fixture.reopen === undefined) {
      // The adapter keeps nothing beyond its process; there is nothing to open again.
      expect(fixture).not.toHaveProperty('reopen');
      return;
    }
    const topic = await context.newTopic(2);
    const producer = fixture.log().producer();
    const calls = range(300).map((n) => producer.append([record(topic, n % 2, String(n))]));
    const places = (await Promise.all(calls)).flat();
    await fixture.reopen();
    for (const partition of [0, 1]) {
      const records = await readAll(fixture.log(), { topic, partition }, 100);
      const acknowledged = places.filter((place) => place.partition === partition);
      expect(records.map(({ offset, timestampMs }) => ({ offset, timestampMs }))).toEqual(
        acknowledged.map(({ offset, timestampMs }) => ({ offset, timestampMs })),
      );
    }
    const again = fixture.log().producer();
    const [next] = await again.append([record(topic, 0, 'next')]);
    expect(next?.offset).toBe(150);
    await again.close();
  });

  test('behavior: expired records go from the front; readers below go on at the earliest', async () => {
    const { expire, setClockMs, log } = context.fixture;
    if (expire === undefined || setClockMs === undefined) {
      // The broker alone decides when it expires; its own settings are tested with it.
      expect(context.fixture).not.toHaveProperty('expire');
      return;
    }
    setClockMs(1_000_000);
    const topic = await context.newTopic(1, 10_000);
    const place = { topic, partition: 0 };
    const producer = log().producer();
    for (const n of range(5)) await producer.append([record(topic, 0, `old-${n}`)]);
    setClockMs(1_009_000);
    for (const n of range(5)) await producer.append([record(topic, 0, `new-${n}`)]);
    await expire();
    expect(await log().offsets(place)).toEqual({ earliest: 0, next: 10 });
    setClockMs(1_012_000);
    await expire();
    expect(await log().offsets(place)).toEqual({ earliest: 5, next: 10 });
    expect(keysOf(await log().read(place, 0, 2))).toEqual(['new-0', 'new-1']);
    setClockMs(1_030_000);
    await expire();
    expect(await log().offsets(place)).toEqual({ earliest: 10, next: 10 });
    const [next] = await producer.append([record(topic, 0, 'next')]);
    expect(next?.offset).toBe(10);
    await producer.close();
  });
}

function tailContract(context: Context): void {
  test('behavior: a tail gets what is there and is woken by what comes', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(1);
    const producer = log.producer();
    await producer.append(range(5).map((n) => record(topic, 0, `before-${n}`)));
    const seen = collector<string>();
    const tail = await log.tail({
      topic,
      partition: 0,
      fromOffset: 3,
      batchRecordsMax: 2,
      async onRecords(records) {
        expect(records.length).toBeLessThanOrEqual(2);
        seen.add(...keysOf(records));
      },
      onError: (error) => seen.fail(error),
    });
    await seen.until((keys) => keys.length === 2);
    for (const n of range(5)) {
      await producer.append([record(topic, 0, `after-${n}`)]);
      await seen.until((keys) => keys.length === 3 + n);
    }
    expect(seen.items).toEqual(['before-3', 'before-4', ...range(5).map((n) => `after-${n}`)]);
    await tail.close();
    await producer.append([record(topic, 0, 'closed')]);
    expect(seen.items).not.toContain('closed');
    await producer.close();
  });

  test('behavior: a tail waits for its handler and its close waits for the batch', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(1);
    const producer = log.producer();
    const calls = collector<number>();
    const gate = openGate();
    const ended: string[] = [];
    const tail = await log.tail({
      topic,
      partition: 0,
      fromOffset: 0,
      batchRecordsMax: 1,
      async onRecords(records) {
        calls.add(records[0]?.offset ?? -1);
        await gate.opened;
        ended.push('batch');
      },
      onError: (error) => calls.fail(error),
    });
    await producer.append(range(3).map((n) => record(topic, 0, String(n))));
    await calls.until((offsets) => offsets.length === 1);
    await producer.append([record(topic, 0, 'more')]);
    expect(calls.items).toEqual([0]);
    const closed = tail.close().then(() => ended.push('close'));
    gate.open();
    await closed;
    expect(ended).toEqual(['batch', 'close']);
    await producer.close();
  });

  test('behavior: a rejection ends the tail', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(1);
    const producer = log.producer();
    const errors = collector<unknown>();
    const refusal = new TypeError('refused by the handler');
    let calls = 0;
    const tail = await log.tail({
      topic,
      partition: 0,
      fromOffset: 0,
      async onRecords() {
        calls += 1;
        throw refusal;
      },
      onError: (error) => errors.add(error),
    });
    await producer.append([record(topic, 0, 'a')]);
    await errors.until((items) => items.length === 1);
    await producer.append([record(topic, 0, 'b')]);
    await tail.close();
    expect(errors.items).toEqual([refusal]);
    expect(calls).toBe(1);
    await producer.close();
  });
}
