import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSortedEntries, type Entry } from './sorted-entries.js';

const key = fc.integer({ min: 0, max: 60 }).map((number) => `k/${String(number).padStart(2, '0')}`);
const count = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constant(Number.POSITIVE_INFINITY));
const step = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant('put' as const), key, value: fc.nat() }), weight: 8 },
  { arbitrary: fc.record({ do: fc.constant('delete' as const), key }), weight: 4 },
  { arbitrary: fc.record({ do: fc.constant('first' as const), count }), weight: 2 },
  {
    arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.nat({ max: 12 }) }),
    weight: 1,
  },
  { arbitrary: fc.record({ do: fc.constant('shorten' as const), count }), weight: 1 },
);

function firstOf(model: ReadonlyMap<string, unknown>, countMax: number): Entry[] {
  return [...model].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, countMax);
}

describe('sorted entries', () => {
  it('property: they are those of one sorted map, however short their runs are', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80, size: 'max' }),
        fc.integer({ min: 2, max: 8 }),
        (steps, runEntriesMax) => {
          const sorted = createSortedEntries(runEntriesMax);
          const model = new Map<string, unknown>();
          for (const one of steps) {
            if (one.do === 'put') {
              expect(sorted.put(one.key, one.value)).toBe(model.has(one.key));
              model.set(one.key, one.value);
            } else if (one.do === 'delete') {
              expect(sorted.put(one.key, undefined)).toBe(model.delete(one.key));
            } else if (one.do === 'first') {
              expect(sorted.first(one.count)).toEqual(firstOf(model, one.count));
            } else if (one.do === 'append') {
              const last = sorted.lastKey() ?? 'k/';
              const more = Array.from(
                { length: one.count },
                (_, at): Entry => [`${last}/${String(at).padStart(2, '0')}`, at],
              );
              sorted.append(more);
              for (const [name, value] of more) model.set(name, value);
            } else {
              sorted.shorten(one.count);
              for (const [name] of firstOf(model, Number.POSITIVE_INFINITY).slice(one.count)) {
                model.delete(name);
              }
            }
            expect(sorted.size).toBe(model.size);
            expect(sorted.lastKey()).toBe(firstOf(model, Number.POSITIVE_INFINITY).at(-1)?.[0]);
          }
          expect(sorted.first(Number.POSITIVE_INFINITY)).toEqual(
            firstOf(model, Number.POSITIVE_INFINITY),
          );
        },
      ),
      { numRuns: 150 },
    );
  });
});
