import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Collector, collector } from '../collector.given.js';
import type { EventLog, GroupMember } from '../event-log.js';
import {
  type BreakableKafka,
  newTopic,
  openSharedKafka,
  range,
  record,
  startBreakableKafka,
} from './kafka-cluster.given.js';

interface Happened {
  readonly what: 'assign' | 'records' | 'revoke' | 'error';
  readonly who: string;
  readonly partition: number;
  readonly keys: readonly string[];
}

let breakable: BreakableKafka;

beforeAll(async () => {
  breakable = await startBreakableKafka();
});

afterAll(() => breakable?.wipe());

interface Joining {
  readonly topic: string;
  readonly who: string;
  onRecords?(keys: readonly string[]): Promise<void>;
}

/** Commits every batch as soon as it was handled. */
async function join(
  log: EventLog,
  happened: Collector<Happened>,
  { topic, who, onRecords }: Joining,
): Promise<GroupMember> {
  const member: GroupMember = await log.joinGroup({
    groupId: `${topic}-group`,
    topics: [topic],
    async onAssign({ partition }, committed) {
      happened.add({ what: 'assign', who, partition, keys: [] });
      return committed ?? 0;
    },
    async onRecords(place, records) {
      const keys = records.map(({ key }) => key);
      happened.add({ what: 'records', who, partition: place.partition, keys });
      await onRecords?.(keys);
      await member.commit(place, (records.at(-1)?.offset ?? -1) + 1);
    },
    async onRevoke({ partition }) {
      happened.add({ what: 'revoke', who, partition, keys: [] });
    },
    onError: () => happened.add({ what: 'error', who, partition: -1, keys: [] }),
  });
  return member;
}

function heldBy(items: readonly Happened[], who: string): number[] {
  const held = new Set<number>();
  for (const one of items) {
    if (one.who !== who) continue;
    if (one.what === 'assign') held.add(one.partition);
    if (one.what === 'revoke') held.delete(one.partition);
  }
  return [...held].sort();
}

function handled(items: readonly Happened[]): string[] {
  return items.flatMap(({ keys }) => keys);
}

function handledBy(items: readonly Happened[], who: string): string[] {
  return handled(items.filter((one) => one.who === who));
}

function handledIn(items: readonly Happened[], partition: number): string[] {
  return handled(items.filter((one) => one.partition === partition));
}

function committed(log: EventLog, topic: string): Promise<(number | undefined)[]> {
  const group = `${topic}-group`;
  return Promise.all([0, 1].map((partition) => log.committed(group, { topic, partition })));
}

async function untilCommitted(log: EventLog, topic: string, offset: number): Promise<void> {
  const read = () => committed(log, topic);
  await expect.poll(read, { timeout: 20_000, interval: 20 }).toEqual([offset, offset]);
}

function count(items: readonly Happened[], what: Happened['what'], who: string): number {
  return items.filter((one) => one.what === what && one.who === who).length;
}

test('behavior: a rebalance under load stops only the partitions that move', async () => {
  // Nobody is given up here, however busy the machine.
  const log = openSharedKafka({ rebalanceTimeoutMs: 10_000 });
  const topic = await newTopic(log, 4);
  const happened = collector<Happened>();
  const producer = log.producer();
  let written = 0;
  const write = async (records: number) => {
    for (const _ of range(records)) {
      await producer.append([record(topic, written % 4, String(written))]);
      written += 1;
    }
  };
  const first = await join(log, happened, { topic, who: 'first' });
  await happened.until((items) => heldBy(items, 'first').length === 4);
  const writing = write(300);
  const second = await join(log, happened, { topic, who: 'second' });
  await happened.until((items) => heldBy(items, 'second').length === 2);
  expect(count(happened.items, 'revoke', 'first')).toBe(2);
  expect(count(happened.items, 'assign', 'first')).toBe(4);
  await writing;
  await second.close();
  await happened.until((items) => heldBy(items, 'first').length === 4);
  await write(40);
  await happened.until((items) => handled(items).length >= written);
  // Each member commits what it handled before it lets go: nothing comes twice.
  expect(handled(happened.items).sort()).toEqual(range(written).map(String).sort());
  await first.close();
  await log.close();
});

test('behavior: a lost connection is no reason to give anything back', async () => {
  const { proxy } = breakable;
  const direct = breakable.open();
  const log = breakable.openProxied({ requestTimeoutMs: 500 });
  const topic = await newTopic(direct, 2);
  const happened = collector<Happened>();
  const producer = direct.producer();
  const member = await join(log, happened, { topic, who: 'only' });
  await happened.until((items) => heldBy(items, 'only').length === 2);
  for (const turn of range(5)) {
    proxy.reset(1);
    await producer.append([0, 1].map((partition) => record(topic, partition, `${turn}`)));
    await happened.until((items) => handled(items).length === 2 * (turn + 1));
  }
  expect(count(happened.items, 'revoke', 'only')).toBe(0);
  expect(count(happened.items, 'error', 'only')).toBe(0);
  await member.close();
  await Promise.all([log.close(), direct.close()]);
});

test('behavior: an instance that starts again is not kept waiting by its own last life', async () => {
  const { proxy } = breakable;
  const patience = { sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 60_000 };
  const ours = { clientId: 'instance-1', isClientIdOurs: true, ...patience };
  const other = breakable.open({ clientId: 'instance-2', isClientIdOurs: true, ...patience });
  const killed = breakable.openProxied({ ...ours, requestTimeoutMs: 500 });
  const topic = await newTopic(other, 4);
  const happened = collector<Happened>();
  const stays = await join(other, happened, { topic, who: 'stays' });
  const dies = await join(killed, happened, { topic, who: 'dies' });
  await happened.until((items) => heldBy(items, 'dies').length === 2);
  // As far as the broker can tell, it is gone without a word.
  proxy.set({ kind: 'cut' });
  const again = breakable.open(ours);
  const successor = await join(again, happened, { topic, who: 'successor' });
  await happened.until((items) => heldBy(items, 'successor').length === 2);
  expect(heldBy(happened.items, 'stays')).toHaveLength(2);
  expect(count(happened.items, 'error', 'stays')).toBe(0);
  await Promise.all([stays.close(), successor.close()]);
  proxy.set({ kind: 'pass' });
  await dies.close();
  await Promise.all([other.close(), killed.close(), again.close()]);
});

test('behavior: who was cut off for longer than its session begins nothing, and comes back', async () => {
  const { proxy } = breakable;
  // A rebalance waits for longer than a session: who is replaced has outlived its own.
  const limits = { requestTimeoutMs: 500, sessionTimeoutMs: 2_000, rebalanceTimeoutMs: 20_000 };
  const direct = breakable.open(limits);
  const cutOff = breakable.openProxied(limits);
  const topic = await newTopic(direct, 2);
  const happened = collector<Happened>();
  const producer = direct.producer();
  const write = (key: string) =>
    producer.append([0, 1].map((partition) => record(topic, partition, key)));
  const zombie = await join(cutOff, happened, { topic, who: 'zombie' });
  await happened.until((items) => heldBy(items, 'zombie').length === 2);
  await write('before');
  await untilCommitted(direct, topic, 1);
  proxy.set({ kind: 'half_open' });
  const heir = await join(direct, happened, { topic, who: 'heir' });
  // Without a word from the zombie: its session ends, its partitions move.
  await happened.until((items) => heldBy(items, 'heir').length === 2);
  expect(count(happened.items, 'revoke', 'zombie')).toBe(0);
  // From here on it may read, and it may do so before it has heard of its end.
  proxy.set({ kind: 'pass' });
  await write('meanwhile');
  await happened.until((items) => handledBy(items, 'heir').length === 2);
  await happened.until((items) => count(items, 'revoke', 'zombie') === 2);
  await happened.until(
    (items) => heldBy(items, 'zombie').length === 1 && heldBy(items, 'heir').length === 1,
  );
  expect(handledBy(happened.items, 'zombie')).toEqual(['before', 'before']);
  await write('afterwards');
  await happened.until((items) => handled(items).length >= 6);
  expect(handledBy(happened.items, 'zombie')).toEqual(['before', 'before', 'afterwards']);
  expect(handledBy(happened.items, 'heir')).toEqual(['meanwhile', 'meanwhile', 'afterwards']);
  await Promise.all([zombie.close(), heir.close()]);
  await Promise.all([cutOff.close(), direct.close()]);
});

test('behavior: who is replaced within its session, at work, does no harm: nothing is skipped', async () => {
  const { proxy } = breakable;
  // Whoever joins waits a second for the others; who was cut off takes itself for alive.
  const limits = { requestTimeoutMs: 500, sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 1_000 };
  const direct = breakable.open(limits);
  const cutOff = breakable.openProxied(limits);
  const topic = await newTopic(direct, 2);
  const happened = collector<Happened>();
  const producer = direct.producer();
  const write = (key: string) =>
    producer.append([0, 1].map((partition) => record(topic, partition, key)));
  let finish = () => {};
  const work = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const zombie = await join(cutOff, happened, { topic, who: 'zombie', onRecords: () => work });
  await happened.until((items) => heldBy(items, 'zombie').length === 2);
  await write('begun');
  await happened.until((items) => handledBy(items, 'zombie').length === 2);
  proxy.set({ kind: 'half_open' });
  const heir = await join(direct, happened, { topic, who: 'heir' });
  await happened.until((items) => heldBy(items, 'heir').length === 2);
  await write('meanwhile');
  await untilCommitted(direct, topic, 2);
  // It commits what it had begun, and reads on, until it hears that it is replaced.
  finish();
  proxy.set({ kind: 'pass' });
  await happened.until((items) => count(items, 'revoke', 'zombie') >= 2);
  expect(await committed(direct, topic)).toEqual([2, 2]);
  await write('afterwards');
  await untilCommitted(direct, topic, 3);
  for (const partition of [0, 1]) {
    // In order and without a gap, whoever else had the same.
    const keys = happened.items
      .filter((one) => one.who === 'heir' && one.partition === partition)
      .flatMap((one) => one.keys);
    expect(keys.slice(0, 2)).toEqual(['begun', 'meanwhile']);
    expect(handledIn(happened.items, partition)).toContain('afterwards');
  }
  await Promise.all([zombie.close(), heir.close()]);
  await Promise.all([cutOff.close(), direct.close()]);
});

test('behavior: a slow handler keeps its partition through a rebalance', async () => {
  const log = openSharedKafka({ sessionTimeoutMs: 2_000, rebalanceTimeoutMs: 2_000 });
  const topic = await newTopic(log, 2);
  const happened = collector<Happened>();
  const producer = log.producer();
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const slow = await join(log, happened, { topic, who: 'slow', onRecords: () => gate });
  await happened.until((items) => heldBy(items, 'slow').length === 2);
  await producer.append([0, 1].map((partition) => record(topic, partition, 'a')));
  await happened.until((items) => handled(items).length === 2);
  // Heartbeats go on beside the handler, also for longer than a session and a rebalance.
  const other = await join(log, happened, { topic, who: 'other' });
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  expect(happened.items.filter(({ who }) => who === 'other')).toEqual([]);
  go();
  await happened.until((items) => heldBy(items, 'other').length === 1);
  expect(handled(happened.items)).toHaveLength(2);
  await Promise.all([slow.close(), other.close()]);
  await log.close();
});

test('behavior: a handler that fails stops its partition, not the member', async () => {
  const log = openSharedKafka();
  const topic = await newTopic(log, 2);
  const happened = collector<Happened>();
  const producer = log.producer();
  const onRecords = async (keys: readonly string[]) => {
    if (keys.includes('poison')) throw new TypeError('a defect in the handler');
  };
  const member = await join(log, happened, { topic, who: 'only', onRecords });
  await producer.append([record(topic, 0, 'poison'), record(topic, 1, 'good')]);
  await happened.until((items) => count(items, 'error', 'only') === 1);
  await producer.append([record(topic, 0, 'after poison'), record(topic, 1, 'better')]);
  await happened.until((items) => handled(items).includes('better'));
  expect(handled(happened.items)).not.toContain('after poison');
  expect(heldBy(happened.items, 'only')).toEqual([0, 1]);
  await member.close();
  await log.close();
});

test('behavior: many tails in one process, each woken by its own partition', async () => {
  const log = openSharedKafka();
  const topic = await newTopic(log, 30);
  const seen = collector<number>();
  const tails = await Promise.all(
    range(30).map((partition) =>
      log.tail({
        topic,
        partition,
        fromOffset: 0,
        onRecords: async () => seen.add(partition),
        onError: (error) => seen.fail(error),
      }),
    ),
  );
  const producer = log.producer();
  for (const partition of range(30)) {
    await producer.append([record(topic, partition, 'one')]);
    await seen.until((partitions) => partitions.includes(partition));
  }
  expect(seen.items).toHaveLength(30);
  await Promise.all(tails.map((tail) => tail.close()));
  await log.close();
});
