import { expect, test } from 'vitest';
import { type Collector, collector } from './collector.given.js';
import { type Context, openGate, range, record } from './contract.given.js';
import type { EventLog } from './event-log.js';

/** What happened to the members of a group, in the order in which it happened. */
interface GroupEvent {
  readonly what: 'assign' | 'records' | 'revoke' | 'error';
  readonly who: string;
  readonly partition: number;
  readonly committed?: number | undefined;
  readonly offsets?: number[];
}

interface MemberPlan {
  readonly groupId: string;
  readonly topic: string;
  readonly who: string;
  readonly onRevoke?: () => Promise<void>;
  readonly onRecords?: () => Promise<void>;
}

async function joinPlanned(log: EventLog, events: Collector<GroupEvent>, plan: MemberPlan) {
  const { who, topic, groupId } = plan;
  return log.joinGroup({
    groupId,
    topics: [topic],
    async onAssign({ partition }, committed) {
      events.add({ what: 'assign', who, partition, committed });
      return committed ?? 0;
    },
    async onRecords({ partition }, records) {
      events.add({ what: 'records', who, partition, offsets: records.map((r) => r.offset) });
      await plan.onRecords?.();
    },
    async onRevoke({ partition }) {
      await plan.onRevoke?.();
      events.add({ what: 'revoke', who, partition });
    },
    onError: (error) => events.fail(error),
  });
}

/** Who holds each partition, by the events so far. Two holders at once are an error. */
function holders(events: readonly GroupEvent[]): Map<number, string> {
  const held = new Map<number, string>();
  for (const { what, who, partition } of events) {
    if (what === 'assign') {
      expect(held.get(partition), `partition ${partition} has two holders`).toBeUndefined();
      held.set(partition, who);
    }
    if (what === 'revoke') held.delete(partition);
  }
  return held;
}

function countHeld(events: readonly GroupEvent[], who: string): number {
  return [...holders(events).values()].filter((holder) => holder === who).length;
}

export function groupContract(context: Context): void {
  test('behavior: members share the partitions; none has two holders at once', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(5);
    const events = collector<GroupEvent>();
    const groupId = `${topic}-group`;
    const first = await joinPlanned(log, events, { groupId, topic, who: 'first' });
    await events.until((items) => countHeld(items, 'first') === 5);
    const second = await joinPlanned(log, events, { groupId, topic, who: 'second' });
    await events.until((items) => holders(items).size === 5 && countHeld(items, 'second') >= 2);
    const third = await joinPlanned(log, events, { groupId, topic, who: 'third' });
    const isShared = (items: readonly GroupEvent[]) =>
      holders(items).size === 5 &&
      ['first', 'second', 'third'].every((who) => [1, 2].includes(countHeld(items, who)));
    await events.until(isShared);
    await first.close();
    await events.until((items) => holders(items).size === 5 && countHeld(items, 'first') === 0);
    await second.close();
    await events.until((items) => countHeld(items, 'third') === 5);
    await third.close();
    expect(holders(events.items).size).toBe(0);
  });

  test('behavior: the next holder starts at what was committed', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(1);
    const place = { topic, partition: 0 };
    const groupId = `${topic}-group`;
    const producer = log.producer();
    await producer.append(range(10).map((n) => record(topic, 0, String(n))));
    const events = collector<GroupEvent>();
    expect(await log.committed(groupId, place)).toBeUndefined();
    const first = await joinPlanned(log, events, { groupId, topic, who: 'first' });
    await events.until((items) => items.some(({ offsets }) => offsets?.includes(9)));
    await first.commit(place, 6);
    expect(await log.committed(groupId, place)).toBe(6);
    await first.close();
    const second = await joinPlanned(log, events, { groupId, topic, who: 'second' });
    await events.until((items) =>
      items.some(({ who, offsets }) => who === 'second' && offsets?.includes(9)),
    );
    const started = events.items.filter(({ what }) => what === 'assign');
    expect(started.map(({ committed }) => committed)).toEqual([undefined, 6]);
    const read = events.items.filter(({ who, what }) => who === 'second' && what === 'records');
    expect(read.flatMap(({ offsets }) => offsets)).toEqual([6, 7, 8, 9]);
    await second.close();
    await producer.close();
  });

  test('behavior: groups do not share; each gets every record once', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(3);
    const producer = log.producer();
    const groups = ['one', 'two'].map((id) => `${topic}-${id}`);
    const events = groups.map(() => collector<GroupEvent>());
    const members = await Promise.all(
      groups.flatMap((groupId, g) =>
        ['first', 'second'].map((who) =>
          joinPlanned(log, events[g] ?? collector(), { groupId, topic, who }),
        ),
      ),
    );
    const settled = (items: readonly GroupEvent[]) =>
      holders(items).size === 3 &&
      ['first', 'second'].every((who) => [1, 2].includes(countHeld(items, who)));
    await Promise.all(events.map((group) => group.until(settled)));
    await producer.append(range(60).map((n) => record(topic, n % 3, String(n))));
    const total = (items: readonly GroupEvent[]) => items.flatMap((e) => e.offsets ?? []).length;
    await Promise.all(events.map((group) => group.until((items) => total(items) === 60)));
    for (const group of events) expect(total(group.items)).toBe(60);
    await Promise.all(members.map((member) => member.close()));
    await producer.close();
  });
}

export function groupFailureContract(context: Context): void {
  test('behavior: a partition moves only after its revoke was awaited', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(2);
    const groupId = `${topic}-group`;
    const events = collector<GroupEvent>();
    const gate = openGate();
    const revoking = collector<string>();
    const onRevoke = async () => {
      revoking.add('begun');
      await gate.opened;
    };
    const first = await joinPlanned(log, events, { groupId, topic, who: 'first', onRevoke });
    await events.until((items) => countHeld(items, 'first') === 2);
    const second = await joinPlanned(log, events, { groupId, topic, who: 'second' });
    await revoking.until((items) => items.length > 0);
    expect(events.items.filter(({ who }) => who === 'second')).toEqual([]);
    gate.open();
    await events.until((items) => countHeld(items, 'second') === 1);
    await Promise.all([first.close(), second.close()]);
  });

  test('behavior: a partition with an unfinished batch gets no further call', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(2);
    const groupId = `${topic}-group`;
    const producer = log.producer();
    const events = collector<GroupEvent>();
    const gate = openGate();
    const onRecords = () => gate.opened;
    const member = await joinPlanned(log, events, { groupId, topic, who: 'slow', onRecords });
    const batches = (items: readonly GroupEvent[]) => items.filter((e) => e.what === 'records');
    await producer.append([record(topic, 0, 'a')]);
    await events.until((items) => batches(items).length === 1);
    await producer.append([record(topic, 0, 'b')]);
    // The other partition goes on; by then the first would have been called if it could be.
    await producer.append([record(topic, 1, 'c')]);
    await events.until((items) => batches(items).some(({ partition }) => partition === 1));
    expect(batches(events.items).filter(({ partition }) => partition === 0)).toHaveLength(1);
    gate.open();
    await events.until((items) => batches(items).length === 3);
    await member.close();
    await producer.close();
  });

  test('behavior: a revoke comes after the batch in hand', async () => {
    const log = context.fixture.log();
    const topic = await context.newTopic(1);
    const groupId = `${topic}-group`;
    const producer = log.producer();
    const events = collector<GroupEvent>();
    const gate = openGate();
    const order: string[] = [];
    const member = await joinPlanned(log, events, {
      groupId,
      topic,
      who: 'only',
      async onRecords() {
        await gate.opened;
        order.push('batch');
      },
      async onRevoke() {
        order.push('revoke');
      },
    });
    await producer.append([record(topic, 0, 'a')]);
    await events.until((items) => items.some(({ what }) => what === 'records'));
    const closed = member.close();
    gate.open();
    await closed;
    expect(order).toEqual(['batch', 'revoke']);
    await producer.close();
  });
}
