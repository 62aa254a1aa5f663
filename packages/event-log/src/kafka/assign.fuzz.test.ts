import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assign, type Claimant, partitionKey } from './assign.js';

/** Members as the leader sees them, and what each does with its assignment. */
interface World {
  readonly partitionsOf: ReadonlyMap<string, number>;
  readonly members: Map<string, { topics: readonly string[]; holds: Set<string> }>;
}

/** One rebalance; afterwards members let go of what they lost and begin what they got. */
function rebalance(world: World, leaving: ReadonlySet<string> = new Set()): void {
  const claimants: Claimant[] = [...world.members].map(([memberId, { topics, holds }]) => ({
    memberId,
    topics,
    holds: [...holds],
    isLeaving: leaving.has(memberId),
  }));
  const assigned = assign(claimants, world.partitionsOf);
  const holders = new Map<string, string>();
  // Before anybody lets go: what one has must not be given to another.
  for (const [memberId, { holds }] of world.members) {
    for (const key of holds) holders.set(key, memberId);
  }
  for (const [memberId, keys] of assigned) {
    for (const key of keys) {
      expect(holders.get(key) ?? memberId, key).toBe(memberId);
      holders.set(key, memberId);
    }
  }
  for (const [memberId, keys] of assigned) {
    const member = world.members.get(memberId);
    if (member !== undefined) member.holds = new Set(keys);
  }
}

function total({ partitionsOf, members }: World): number {
  const named = new Set([...members.values()].flatMap(({ topics }) => [...topics]));
  return [...partitionsOf].reduce((sum, [topic, n]) => sum + (named.has(topic) ? n : 0), 0);
}

function snapshot({ members }: World): string {
  return JSON.stringify([...members].map(([id, { holds }]) => [id, [...holds].sort()]));
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('join' as const), both: fc.boolean() }),
  fc.record({ kind: fc.constant('die' as const), at: fc.nat(9) }),
  fc.record({ kind: fc.constant('leave' as const), at: fc.nat(9) }),
  fc.record({ kind: fc.constant('round' as const) }),
);

test('property: no partition has two holders, all come to rest shared evenly', () => {
  const counts = fc.record({ a: fc.integer({ min: 1, max: 20 }), b: fc.nat(7) });
  const history = fc.property(counts, fc.array(step, { maxLength: 25 }), ({ a, b }, steps) => {
    const world: World = {
      partitionsOf: new Map([
        ['a', a],
        ['b', b],
      ]),
      members: new Map(),
    };
    let joined = 0;
    for (const one of steps) {
      const ids = [...world.members.keys()];
      const chosen = 'at' in one ? ids[one.at % Math.max(1, ids.length)] : undefined;
      if (one.kind === 'join') {
        joined += 1;
        const topics = one.both ? ['a', 'b'] : ['a'];
        world.members.set(`m${joined}`, { topics, holds: new Set() });
      }
      if (one.kind === 'leave' && chosen !== undefined) rebalance(world, new Set([chosen]));
      if (chosen !== undefined) world.members.delete(chosen);
      rebalance(world);
    }
    // One round to let go, one to take; then nothing moves any more.
    rebalance(world);
    rebalance(world);
    const rest = snapshot(world);
    rebalance(world);
    expect(snapshot(world)).toBe(rest);
    if (world.members.size === 0) return;
    const held = [...world.members.values()].flatMap(({ holds }) => [...holds]);
    expect(held).toHaveLength(total(world));
    const ofA = [...world.members.values()].map(
      ({ holds }) => [...holds].filter((key) => key.startsWith('a/')).length,
    );
    expect(Math.max(...ofA) - Math.min(...ofA)).toBeLessThanOrEqual(1);
  });
  fc.assert(history, { numRuns: 500 });
});

test('behavior: a member that joins takes only what is too much elsewhere', () => {
  const keys = [0, 1, 2, 3].map((partition) => partitionKey('t', partition));
  const partitionsOf = new Map([['t', 4]]);
  const old = { memberId: 'old', topics: ['t'], holds: keys, isLeaving: false };
  const fresh = { memberId: 'fresh', topics: ['t'], holds: [] as string[], isLeaving: false };
  const first = assign([old, fresh], partitionsOf);
  expect(first.get('old')).toEqual(keys.slice(0, 2));
  expect(first.get('fresh')).toEqual([]);
  const second = assign([{ ...old, holds: keys.slice(0, 2) }, fresh], partitionsOf);
  expect(second.get('fresh')).toEqual(keys.slice(2));
});

test('behavior: who leaves gets nothing, and what it still holds is given to nobody yet', () => {
  const keys = [0, 1].map((partition) => partitionKey('t', partition));
  const partitionsOf = new Map([['t', 2]]);
  const leaver = { memberId: 'leaver', topics: ['t'], holds: keys, isLeaving: true };
  const heir = { memberId: 'heir', topics: ['t'], holds: [], isLeaving: false };
  const assigned = assign([leaver, heir], partitionsOf);
  expect(assigned.get('leaver')).toEqual([]);
  expect(assigned.get('heir')).toEqual([]);
});
