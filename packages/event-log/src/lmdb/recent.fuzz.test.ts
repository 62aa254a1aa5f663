import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LogRecord } from '../event-log.js';
import { createRecent, dropRecent, findRecent, keepRecent } from './recent.js';

const valueBytes = 10;

function recordsFrom(offset: number, count: number): LogRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    topic: 't',
    partition: 0,
    key: 'k',
    value: Buffer.alloc(valueBytes),
    offset: offset + index,
    timestampMs: 1,
  }));
}

const step = fc.record({
  kind: fc.constantFrom('keep', 'keep', 'drop', 'find'),
  /** Relative to the end: below it, at it, or beyond a gap. */
  from: fc.integer({ min: -20, max: 12 }).map((from) => (from > 2 ? 0 : from)),
  count: fc.integer({ min: 0, max: 8 }),
});

test('property: what is found is adjacent, begins where it was asked for and is never more', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 200 }),
      (steps, max) => {
        const recent = createRecent(max);
        for (const { kind, from, count } of steps) {
          const offset = Math.max(0, recent.next + from);
          if (kind === 'drop') dropRecent(recent, offset);
          else if (kind === 'keep') keepRecent(recent, recordsFrom(offset, count));
          else {
            const found = findRecent(recent, offset, count + 1);
            if (found === undefined) continue;
            expect(found.length).toBeGreaterThan(0);
            expect(found.length).toBeLessThanOrEqual(count + 1);
            expect(found.map((record) => record.offset)).toEqual(found.map((_, n) => offset + n));
          }
          const bytes = recent.runs.reduce((sum, run) => sum + run.records.length * valueBytes, 0);
          expect(recent.bytes).toBe(bytes);
          expect(bytes <= max || recent.runs.length === 1).toBe(true);
        }
      },
    ),
  );
});

test('behavior: the newest records replace older ones across a gap; older ones are left out', () => {
  const recent = createRecent(1_000);
  keepRecent(recent, recordsFrom(0, 3));
  keepRecent(recent, recordsFrom(3, 2));
  expect(findRecent(recent, 1, 10)?.map(({ offset }) => offset)).toEqual([1, 2, 3, 4]);
  keepRecent(recent, recordsFrom(9, 2));
  keepRecent(recent, recordsFrom(5, 2));
  expect(findRecent(recent, 4, 10)).toBeUndefined();
  expect(findRecent(recent, 10, 10)?.map(({ offset }) => offset)).toEqual([10]);
  expect(findRecent(recent, 11, 10)).toBeUndefined();
});
