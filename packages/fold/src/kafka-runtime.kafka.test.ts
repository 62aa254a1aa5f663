import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog } from '@paycrawl/event-log/event-log';
import {
  type BreakableKafka,
  range,
  readAll,
  startBreakableKafka,
} from '@paycrawl/event-log/kafka/kafka-cluster.given';
import { pause } from '@paycrawl/event-log/kafka/patience';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, topicConfigs } from '@paycrawl/events/topics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Caused, LogOutput } from './fold.js';
import { createLogSink, deadLetterOf, eventOf } from './log-sink.js';
import { createPartition } from './partition.js';
import { type Runtime, startRuntime } from './runtime.js';
import { openStore } from './store.js';
import { eventGiven, given, tally } from './tally.given.js';

const partitions = 4;
const limits = { requestTimeoutMs: 1_000, sessionTimeoutMs: 2_000, rebalanceTimeoutMs: 1_000 };
const directory = mkdtempSync(join(tmpdir(), 'paycrawl-runtime-'));
const payments = physicalTopic('payments');
let breakable: BreakableKafka;
let direct: EventLog;
let proxied: EventLog;

beforeAll(async () => {
  breakable = await startBreakableKafka();
  direct = breakable.open(limits);
  proxied = breakable.openProxied(limits);
  await direct.createTopics(topicConfigs({ payer: partitions, publisher: 1 }, 3_600_000));
});

afterAll(async () => {
  await Promise.all([direct?.close(), proxied?.close()]);
  await breakable?.wipe();
  rmSync(directory, { recursive: true, force: true });
});

function start(log: EventLog, machine: string, fold = tally): Promise<Runtime> {
  return startRuntime<LogOutput>({
    log,
    fold,
    groupId: 'tally',
    createSink: () => createLogSink(log, tally.name),
    openStore: (partition) => openStore(join(directory, machine, String(partition))),
    deadLetter: deadLetterOf(tally.name),
    snapshots: { topic: 'snapshots-verifier', intervalMs: 500 },
    checkpointIntervalMs: 50,
    clock: Date.now,
    onFatal: (error) => expect.unreachable(String(error)),
  });
}

/** What an owner that is never disturbed writes for the input as it stands. */
async function undisturbed(partition: number): Promise<string[]> {
  const input = await readAll(direct, { topic: payments, partition });
  const written: string[] = [];
  const write = async (outputs: readonly Caused<LogOutput>[]) => {
    for (const caused of outputs) {
      const event = eventOf(caused.output, { ...caused, source: tally.name });
      written.push(encodeEvent(event).toString());
    }
  };
  const store = openStore(mkdtempSync(join(directory, `reference-${partition}-`)));
  const folding = createPartition<LogOutput>({
    fold: tally,
    partition,
    store,
    sink: { write, close: async () => undefined },
    deadLetter: deadLetterOf(tally.name),
    onBroken: (error) => expect.unreachable(String(error)),
  });
  for (let at = 0; at < input.length; at += 100) await folding.fold(input.slice(at, at + 100));
  await folding.drained();
  await store.close();
  return written;
}

/** Every output at its first appearance, as consumers that drop by cause see them. */
async function firstAppearances(partition: number): Promise<{ lines: string[]; total: number }> {
  const records = await readAll(direct, { topic: physicalTopic('decisions'), partition });
  const byCause = new Map<string, string>();
  for (const { value } of records) {
    const line = value.toString();
    const cause = String((JSON.parse(line) as AnyEvent).cause);
    expect(byCause.get(cause) ?? line, 'two owners told two stories').toBe(line);
    byCause.set(cause, line);
  }
  return { lines: [...byCause.values()], total: records.length };
}

/** Every partition has an owner, and what it folded is stored. */
async function allDone(runtimes: readonly Runtime[]): Promise<void> {
  const isDone = async () => {
    const progress = (await Promise.all(runtimes.map((one) => one.progress()))).flat();
    const ends = progress.every(
      ({ storedOffset, logNextOffset }) => storedOffset === logNextOffset,
    );
    return ends && new Set(progress.map(({ partition }) => partition)).size === partitions;
  };
  await expect.poll(isDone, { timeout: 20_000, interval: 100 }).toBe(true);
}

test('behavior: through faults of network, broker and members the log holds one history', async () => {
  const { proxy, kafka } = breakable;
  const producer = direct.producer();
  const writing = { isOn: true, records: 0 };
  const writer = (async () => {
    while (writing.isOn) {
      const batch = range(5).map((n) => {
        const one = given('abcd'.charAt(n % 4), writing.records % 7 === 0 ? 'sum' : `add ${n % 3}`);
        writing.records += 1;
        const value = encodeEvent(eventGiven(one));
        return { topic: payments, partition: writing.records % partitions, key: one.payer, value };
      });
      await producer.append(batch);
      await pause(5);
    }
  })();
  const one = await start(direct, 'one');
  const two = await start(proxied, 'two');
  const faults: [string, () => void | Promise<void>][] = [
    ['resets', () => proxy.reset(1)],
    ['answers lost', () => proxy.set({ kind: 'swallow_responses' })],
    ['delay', () => proxy.set({ kind: 'delay', delayMs: 200 })],
    ['member cut off for longer than its session', () => proxy.set({ kind: 'half_open' })],
    ['network back: a zombie', () => proxy.set({ kind: 'pass' })],
    ['kill -9 of the broker', () => kafka.kill(0)],
    ['broker back', () => kafka.start(0)],
  ];
  for (const [, fault] of faults) {
    await fault();
    await pause(3_000);
  }
  writing.isOn = false;
  await writer;
  await allDone([one, two]);
  await Promise.all([one.close(), two.close()]);
  let again = 0;
  for (const partition of range(partitions)) {
    const { lines, total } = await firstAppearances(partition);
    expect(lines).toEqual(await undisturbed(partition));
    again += total - lines.length;
  }
  console.log(`${writing.records} records folded; ${again} outputs written again and dropped`);
}, 120_000);

test('behavior: a machine that has nothing goes on from the snapshots of the one before', async () => {
  const foldedHere: string[] = [];
  const counting: typeof tally = {
    ...tally,
    apply: (view, event, record) => {
      foldedHere.push(`${record.partition}/${record.offset}`);
      tally.apply(view, event, record);
    },
  };
  const before = await Promise.all(
    range(partitions).map((partition) => direct.offsets({ topic: payments, partition })),
  );
  expect(Math.min(...before.map(({ next }) => next))).toBeGreaterThan(50);
  const fresh = await start(direct, 'a machine that has nothing', counting);
  await allDone([fresh]);
  expect(foldedHere).toEqual([]);
  const producer = direct.producer();
  await producer.append(
    range(partitions).map((partition) => {
      const { payer, ...one } = given('a', 'sum');
      const value = encodeEvent(eventGiven({ payer, ...one }));
      return { topic: payments, partition, key: payer, value };
    }),
  );
  await allDone([fresh]);
  await fresh.close();
  expect(foldedHere.sort()).toEqual(before.map(({ next }, partition) => `${partition}/${next}`));
  // What `sum` tells comes from every entity: the state is that of all records before.
  for (const partition of range(partitions)) {
    expect((await firstAppearances(partition)).lines).toEqual(await undisturbed(partition));
  }
}, 120_000);
