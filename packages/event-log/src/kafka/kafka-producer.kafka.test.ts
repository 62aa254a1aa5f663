import { Kafka, Partitioners } from 'kafkajs';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { collector } from '../collector.given.js';
import type { Appended, EventLog } from '../event-log.js';
import {
  type BreakableKafka,
  keysOf,
  newTopic,
  openSharedKafka,
  range,
  readAll,
  record,
  startBreakableKafka,
} from './kafka-cluster.given.js';
import { pause } from './patience.js';

let breakable: BreakableKafka;
let direct: EventLog;

beforeAll(async () => {
  breakable = await startBreakableKafka();
  direct = breakable.open();
});

afterAll(async () => {
  await direct?.close();
  await breakable?.wipe();
});

async function untilWritten(topic: string, next: number): Promise<void> {
  while ((await direct.offsets({ topic, partition: 0 })).next < next) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('behavior: a batch whose answer was lost is sent again and stands once in the log', async () => {
  const { proxy } = breakable;
  const log = breakable.openProxied({ requestTimeoutMs: 500 });
  const topic = await newTopic(direct);
  const place = { topic, partition: 0 };
  const producer = log.producer();
  await producer.append([record(topic, 0, 'before')]);
  for (const turn of range(3)) {
    proxy.set({ kind: 'swallow_responses' });
    const lost = producer.append([record(topic, 0, `lost-${turn}`)]);
    // These wait behind the batch that is in doubt and must not take its place.
    const behind = [1, 2].map((n) => producer.append([record(topic, 0, `behind-${turn}-${n}`)]));
    await untilWritten(topic, 2 + turn * 3);
    proxy.set({ kind: 'pass' });
    const places = (await Promise.all([lost, ...behind])).flat();
    expect(places.map(({ offset }) => offset)).toEqual([1, 2, 3].map((n) => n + turn * 3));
  }
  const expected = range(3).flatMap((n) => [`lost-${n}`, `behind-${n}-1`, `behind-${n}-2`]);
  expect(keysOf(await readAll(direct, place))).toEqual(['before', ...expected]);
  await log.close();
});

test('behavior: the producer of kafkajs acknowledges what it never wrote: why it is not used', async () => {
  const { proxy } = breakable;
  const topic = await newTopic(direct);
  const brokers = [`127.0.0.1:${proxy.port}`];
  const producer = new Kafka({ brokers, requestTimeout: 500, logLevel: 0 }).producer({
    idempotent: true,
    maxInFlightRequests: 1,
    retry: { retries: 1 },
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const send = (value: string) => producer.send({ topic, messages: [{ value, partition: 0 }] });
  await send('a');
  proxy.set({ kind: 'swallow_responses' });
  await expect(send('b')).rejects.toThrow();
  proxy.reset(1);
  proxy.set({ kind: 'pass' });
  const [acknowledged] = await send('c');
  expect(acknowledged?.baseOffset).toBe('1');
  const values = (await readAll(direct, { topic, partition: 0 })).map(({ value }) => `${value}`);
  expect(values).toEqual(['a', 'b']);
  await producer.disconnect();
});

test('error: log_unavailable after the time limit; nothing later is written', async () => {
  const { proxy } = breakable;
  const log = breakable.openProxied({ requestTimeoutMs: 500, deliveryTimeoutMs: 2_500 });
  const topic = await newTopic(direct);
  const place = { topic, partition: 0 };
  const producer = log.producer();
  await producer.append([record(topic, 0, 'before')]);
  proxy.set({ kind: 'half_open' });
  const unavailable = { code: 'log_unavailable' };
  const inFlight = producer.append([record(topic, 0, 'in-flight')]);
  const behind = producer.append([record(topic, 0, 'behind')]);
  await expect(inFlight).rejects.toMatchObject(unavailable);
  await expect(behind).rejects.toMatchObject(unavailable);
  proxy.set({ kind: 'pass' });
  await expect(producer.append([record(topic, 0, 'late')])).rejects.toMatchObject(unavailable);
  const next = log.producer();
  await next.append([record(topic, 0, 'next')]);
  const keys = keysOf(await readAll(direct, place));
  expect(keys.filter((key) => key !== 'in-flight')).toEqual(['before', 'next']);
  await log.close();
});

test('behavior: where nobody waits, appends stay for company and go in one batch', async () => {
  const topic = await newTopic(direct);
  const producer = direct.producer({ lingerMs: 2_000 });
  const calls = range(4).map(async (n) => {
    await pause(n * 20);
    return producer.append([record(topic, 0, String(n))]);
  });
  const places = (await Promise.all(calls)).flat();
  // The broker gives one append time to a batch.
  expect(new Set(places.map(({ timestampMs }) => timestampMs)).size).toBe(1);
  expect(keysOf(await readAll(direct, { topic, partition: 0 }))).toEqual(range(4).map(String));
  await producer.close();
});

test('behavior: resets, cuts and delays neither lose, double nor reorder', async () => {
  const { proxy } = breakable;
  const log = breakable.openProxied({ requestTimeoutMs: 1_000 });
  const topic = await newTopic(direct, 2);
  const producer = log.producer();
  const calls: Promise<Appended[]>[] = [];
  const states = [
    () => proxy.reset(1),
    () => proxy.set({ kind: 'delay', delayMs: 100 }),
    () => proxy.reset(0.5),
    () => proxy.set({ kind: 'cut' }),
    () => proxy.set({ kind: 'pass' }),
  ];
  for (const turn of range(100)) {
    states[turn % states.length]?.();
    if (turn % states.length === 4) await calls.at(-1);
    calls.push(producer.append([record(topic, turn % 2, String(turn))]));
  }
  proxy.set({ kind: 'pass' });
  await Promise.all(calls);
  for (const partition of [0, 1]) {
    const keys = keysOf(await readAll(direct, { topic, partition }));
    const mine = range(100).filter((turn) => turn % 2 === partition);
    expect(keys).toEqual(mine.map(String));
  }
  await log.close();
});

test('behavior: kill -9 of the only broker for 3 s under appends loses and doubles nothing', async () => {
  const { kafka } = breakable;
  const topic = await newTopic(direct, 2);
  const producer = direct.producer();
  const acknowledged = collector<{ key: string; place: Appended | undefined; atMs: number }>();
  const writing = { isOn: true };
  const write = async (writer: number) => {
    for (let n = 0; writing.isOn; n += 1) {
      const key = `${writer}:${n}`;
      const [place] = await producer.append([record(topic, writer % 2, key)]);
      acknowledged.add({ key, place, atMs: performance.now() });
      // The pace of the load.
      await pause(5);
    }
  };
  const writers = range(8).map(write);
  const handled = collector<string>();
  const member = await direct.joinGroup({
    groupId: `${topic}-group`,
    topics: [topic],
    onAssign: async (_, committed) => committed ?? 0,
    async onRecords(_, records) {
      handled.add(...keysOf(records));
    },
    onRevoke: async () => undefined,
    onError: (error) => expect.unreachable(String(error)),
  });
  await acknowledged.until((items) => items.length >= 500);
  kafka.kill(0);
  // How long it is away.
  await pause(3_000);
  await kafka.start(0);
  const backMs = performance.now();
  const before = acknowledged.items.length;
  await acknowledged.until((items) => items.length >= before + 500);
  writing.isOn = false;
  await Promise.all(writers);
  await handled.until((keys) => keys.length >= acknowledged.items.length);
  const resumedMs = (acknowledged.items[before]?.atMs ?? Number.POSITIVE_INFINITY) - backMs;
  console.log(`kill -9 of the broker: first acknowledgement ${Math.round(resumedMs)} ms after it`);
  expect(resumedMs).toBeLessThan(10_000);
  expect([...handled.items].sort()).toEqual(acknowledged.items.map(({ key }) => key).sort());
  const stands = new Map<string, number>();
  for (const partition of [0, 1]) {
    const records = await readAll(direct, { topic, partition });
    for (const { key, offset } of records) {
      expect(stands.has(key), `${key} stands twice`).toBe(false);
      stands.set(key, offset);
    }
  }
  for (const { key, place } of acknowledged.items) expect(stands.get(key)).toBe(place?.offset);
  await member.close();
  await producer.close();
}, 120_000);

test('behavior: a new producer id is taken before sequence numbers run out', async () => {
  const log = openSharedKafka({ sequenceMax: 10 });
  const topic = await newTopic(log);
  const producer = log.producer();
  for (const n of range(60)) await producer.append([record(topic, 0, String(n))]);
  const keys = keysOf(await readAll(log, { topic, partition: 0 }));
  expect(keys).toEqual(range(60).map(String));
  await log.close();
});

test('error: log_unavailable where acknowledged offsets do not rise', async () => {
  const log = openSharedKafka();
  const topic = await newTopic(log);
  const producer = log.producer();
  for (const n of range(5)) await producer.append([record(topic, 0, String(n))]);
  // Somebody deletes the topic and makes it again: the log is not the one that was written to.
  const admin = new Kafka({ brokers: [...inject('kafkaBrokers')], logLevel: 0 }).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
  await log.createTopics([{ name: topic, partitions: 1, retentionMs: 'forever' }]);
  const again = producer.append([record(topic, 0, 'again')]);
  await expect(again).rejects.toMatchObject({ code: 'log_unavailable' });
  await log.close();
});

test('error: log_append_too_large, and the producer lives on', async () => {
  const log = openSharedKafka();
  const topic = await newTopic(log);
  const producer = log.producer();
  const huge = { ...record(topic, 0, 'huge'), value: Buffer.alloc(9 * 1024 ** 2) };
  await expect(producer.append([huge])).rejects.toMatchObject({ code: 'log_append_too_large' });
  const large = { ...record(topic, 0, 'large'), value: Buffer.alloc(7 * 1024 ** 2, 'x') };
  await producer.append([large, record(topic, 0, 'small')]);
  const [first, second] = await readAll(log, { topic, partition: 0 });
  expect(first?.value.equals(large.value)).toBe(true);
  expect(second?.key).toBe('small');
  await log.close();
});
