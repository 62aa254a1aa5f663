import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLayers } from './layers.js';
import type { OrderedBounds } from './ordered.js';
import { createMemoryStore } from './store.js';

const key = fc
  .tuple(fc.constantFrom('a/', 'a/x/', 'b/', 'c/'), fc.integer({ min: 0, max: 15 }))
  .map(([prefix, number]) => `${prefix}${number.toString(16)}`);
const range = fc.record({
  do: fc.constant('range' as const),
  prefix: fc.constantFrom('a/', 'a/x/', 'b/', 'c/', 'none/'),
  countMax: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constant(Number.POSITIVE_INFINITY)),
});
const write = fc.record({ do: fc.constant('set' as const), key, value: fc.nat() });
const remove = fc.record({ do: fc.constant('delete' as const), key });
/** As sealing does: what comes first is read and goes. */
const take = fc.record({
  do: fc.constant('take' as const),
  prefix: fc.constantFrom('a/', 'a/x/', 'b/'),
  count: fc.integer({ min: 1, max: 6 }),
});
const rest = fc.record({ do: fc.constantFrom('keep', 'undo', 'cut', 'store') });
const history = fc.array(
  fc.oneof(
    { arbitrary: write, weight: 6 },
    { arbitrary: remove, weight: 2 },
    { arbitrary: range, weight: 4 },
    { arbitrary: take, weight: 2 },
    { arbitrary: rest, weight: 4 },
  ),
  { maxLength: 120, size: 'max' },
);
const bounds: fc.Arbitrary<OrderedBounds> = fc.record({
  entriesRead: fc.integer({ min: 1, max: 6 }),
  entriesMax: fc.integer({ min: 2, max: 16 }),
  prefixesMax: fc.integer({ min: 1, max: 4 }),
});

/** One map that is copied at every record, and sorted at every look. */
function createModel() {
  let kept = new Map<string, number>();
  let present = new Map(kept);
  return {
    set: (name: string, value: number | undefined) => {
      if (value === undefined) present.delete(name);
      else present.set(name, value);
    },
    keep: () => {
      kept = new Map(present);
    },
    undo: () => {
      present = new Map(kept);
    },
    range: (prefix: string, countMax: number) =>
      [...present]
        .filter(([name]) => name.startsWith(prefix))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, countMax),
  };
}

/** Both the layers and the model, and a store that takes a cut in two steps. */
function openBoth(ordered: OrderedBounds) {
  const store = createMemoryStore();
  const layers = createLayers(store, 3, ordered);
  const model = createModel();
  let cut: ReturnType<typeof layers.cut> | undefined;
  let nextOffset = 0;
  const keep = (): void => {
    layers.keep();
    model.keep();
  };
  return {
    range(prefix: string, countMax: number) {
      const found = layers.range(prefix, countMax);
      expect(found).toEqual(model.range(prefix, countMax));
      return found;
    },
    set(name: string, value: number | undefined) {
      layers.set(name, value);
      model.set(name, value);
    },
    keep,
    undo() {
      layers.undo();
      model.undo();
    },
    cut() {
      keep();
      cut ??= layers.cut();
    },
    async store() {
      if (cut === undefined) return;
      nextOffset += 1;
      await store.write(store.position(), { nextOffset, nowMs: 0 }, cut);
      cut = undefined;
      layers.cutStored();
    },
  };
}

describe('ranges', () => {
  it('property: they are those of one sorted map, whatever was written, undone and stored', async () => {
    await fc.assert(
      fc.asyncProperty(history, bounds, async (steps, ordered) => {
        const both = openBoth(ordered);
        for (const step of steps) {
          if (step.do === 'set') both.set(step.key, step.value);
          else if (step.do === 'delete') both.set(step.key, undefined);
          else if (step.do === 'range') both.range(step.prefix, step.countMax);
          else if (step.do === 'take') {
            for (const [name] of both.range(step.prefix, step.count)) both.set(name, undefined);
          } else if (step.do === 'keep') both.keep();
          else if (step.do === 'undo') both.undo();
          else if (step.do === 'cut') both.cut();
          else await both.store();
        }
        for (const prefix of ['a/', 'a/x/', 'b/', 'c/', '']) {
          both.range(prefix, 3);
          both.range(prefix, Number.POSITIVE_INFINITY);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('behavior: what a range gave stays what it was, whatever is written then', () => {
    const layers = createLayers(createMemoryStore(), 10);
    layers.set('n/a', 1);
    layers.set('n/b', 1);
    const found = layers.range('n/');
    layers.set('n/a', 2);
    layers.set('n/b', undefined);
    layers.set('n/c', 1);
    expect(found).toEqual([
      ['n/a', 1],
      ['n/b', 1],
    ]);
    expect(layers.range('n/')).toEqual([
      ['n/a', 2],
      ['n/c', 1],
    ]);
  });

  it('behavior: a line that grows long is read once, however it is taken', () => {
    const store = createMemoryStore();
    let reads = 0;
    const counting = {
      get: store.get,
      range: (prefix: string, after?: string) => {
        reads += 1;
        return store.range(prefix, after);
      },
    };
    const layers = createLayers(counting, 10);
    const length = 20_000;
    // In an order that is not that of the keys.
    const keys = Array.from(
      { length },
      (_, at) => `q/${String((at * 7_919) % length).padStart(5, '0')}`,
    );
    expect(layers.range('q/', 1)).toEqual([]);
    for (const name of keys) layers.set(name, 1);
    layers.keep();
    const taken: string[] = [];
    while (taken.length < length) {
      for (const [name] of layers.range('q/', 100)) {
        taken.push(name);
        layers.set(name, undefined);
      }
      layers.keep();
    }
    expect(taken).toEqual([...keys].sort());
    expect(reads).toBe(1);
  });

  it('behavior: what comes and goes between two cuts is not written, what was stored is deleted', async () => {
    const store = createMemoryStore();
    const layers = createLayers(store, 10);
    const keysOfCut = async (nextOffset: number): Promise<string[]> => {
      layers.keep();
      const writes = [...layers.cut()];
      await store.write(store.position(), { nextOffset, nowMs: 0 }, writes);
      layers.cutStored();
      return writes.map(([name]) => name);
    };
    layers.set('n/stays', 1);
    layers.set('n/unread', 1);
    expect(await keysOfCut(1)).toEqual(['n/stays', 'n/unread']);
    // Known to be absent: by a read, and by a range that is known to its end.
    layers.get('m/a');
    layers.set('m/a', 1);
    layers.range('n/');
    layers.set('n/a', 1);
    layers.set('o/nobody-knows', 1);
    layers.keep();
    for (const name of ['m/a', 'n/a', 'o/nobody-knows', 'n/stays']) layers.set(name, undefined);
    expect(await keysOfCut(2)).toEqual(['o/nobody-knows', 'n/stays']);
    expect([...store.range('')]).toEqual([['n/unread', 1]]);
    expect(layers.get('n/stays')).toBeUndefined();
    expect(layers.range('')).toEqual([['n/unread', 1]]);
  });

  it('behavior: a cut holds nothing of a record that is not kept yet', () => {
    const layers = createLayers(createMemoryStore(), 10);
    layers.set('n/a', 1);
    layers.keep();
    layers.set('n/a', 2);
    layers.set('n/b', 2);
    expect([...layers.cut()]).toEqual([['n/a', 1]]);
    layers.keep();
    expect([...layers.cut()]).toEqual([
      ['n/a', 2],
      ['n/b', 2],
    ]);
  });
});
