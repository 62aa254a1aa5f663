import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  emptyGroup,
  type GroupState,
  join,
  leave,
  ownerKey,
  reconcile,
  release,
} from './share-out.js';

const leaseMs = 100;
const partitionCounts: Record<string, number> = { a: 5, b: 1, c: 8 };
const partitionsOf = (topic: string) => partitionCounts[topic] ?? 0;

const anyStep = fc.oneof(
  fc.record({ do: fc.constant('join' as const), topics: fc.subarray(['a', 'b', 'c']) }),
  fc.record({ do: fc.constant('leave' as const), member: fc.nat(9) }),
  fc.record({ do: fc.constant('tick' as const), member: fc.nat(9) }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 150 }) }),
);

interface Model {
  readonly state: GroupState;
  readonly members: Map<string, readonly string[]>;
  nowMs: number;
}

/** One turn of a member: what it must give up it gives up at once. */
function turn({ state, members, nowMs }: Model, id: string): void {
  const topics = members.get(id) ?? [];
  const { surplus, owned } = reconcile(state, id, topics, partitionsOf, { nowMs, leaseMs });
  for (const key of surplus) {
    expect(owned.has(key)).toBe(true);
    release(state, id, key);
  }
}

test('property: whatever happened, a few turns give every partition one fair owner', () => {
  const property = fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
    const model: Model = { state: emptyGroup(), members: new Map(), nowMs: 1_000 };
    const pick = (n: number) => [...model.members.keys()][n % Math.max(1, model.members.size)];
    for (const step of steps) {
      if (step.do === 'pass') model.nowMs += step.ms;
      if (step.do === 'join') {
        const lease = { nowMs: model.nowMs, leaseMs };
        model.members.set(join(model.state, step.topics, lease), step.topics);
      }
      const id = 'member' in step ? pick(step.member) : undefined;
      if (id === undefined) continue;
      if (step.do === 'tick') turn(model, id);
      if (step.do === 'leave') {
        leave(model.state, id);
        model.members.delete(id);
      }
    }
    for (let round = 0; round < 4; round += 1) {
      for (const id of model.members.keys()) turn(model, id);
    }
    expectFair(model);
  });
  fc.assert(property, { numRuns: 500 });
});

function expectFair({ state, members }: Model): void {
  for (const [topic, partitions] of Object.entries(partitionCounts)) {
    const sharers = [...members].filter(([, topics]) => topics.includes(topic)).map(([id]) => id);
    const counts = new Map(sharers.map((id) => [id, 0]));
    for (let partition = 0; partition < partitions; partition += 1) {
      const owner = state.owners[ownerKey(topic, partition)];
      if (sharers.length === 0) expect(owner).toBeUndefined();
      else counts.set(owner ?? 'nobody', (counts.get(owner ?? 'nobody') ?? 0) + 1);
    }
    if (sharers.length === 0) continue;
    expect([...counts.keys()].sort()).toEqual([...sharers].sort());
    const [least, most] = [Math.min(...counts.values()), Math.max(...counts.values())];
    expect(most - least).toBeLessThanOrEqual(1);
  }
}

test('behavior: a live member keeps what it has when another comes and goes', () => {
  const state = emptyGroup();
  const lease = { nowMs: 0, leaseMs };
  const first = join(state, ['c'], lease);
  reconcile(state, first, ['c'], partitionsOf, lease);
  const second = join(state, ['c'], lease);
  const { surplus } = reconcile(state, first, ['c'], partitionsOf, lease);
  expect(surplus).toEqual(['c/4', 'c/5', 'c/6', 'c/7']);
  const waiting = reconcile(state, second, ['c'], partitionsOf, lease);
  expect(waiting.claimed).toEqual([]);
  leave(state, second);
  const after = reconcile(state, first, ['c'], partitionsOf, lease);
  expect(after.surplus).toEqual([]);
  expect(after.owned.size).toBe(8);
});

test('behavior: a silent member loses all, also when the clock of the machine began anew', () => {
  for (const nowMs of [1_101, -5_000]) {
    const state = emptyGroup();
    const silent = join(state, ['a'], { nowMs: 1_000, leaseMs });
    reconcile(state, silent, ['a'], partitionsOf, { nowMs: 1_000, leaseMs });
    const heir = join(state, ['a'], { nowMs, leaseMs });
    const share = reconcile(state, heir, ['a'], partitionsOf, { nowMs, leaseMs });
    expect(share.claimed).toHaveLength(5);
    // It comes back as a new member and owns nothing of what it believes to own.
    const back = reconcile(state, silent, ['a'], partitionsOf, { nowMs, leaseMs });
    expect(back.owned.size).toBe(0);
  }
});
