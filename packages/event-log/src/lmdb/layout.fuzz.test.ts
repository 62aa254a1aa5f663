import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LogRecord } from '../event-log.js';
import type { MutableAppended } from '../producer.js';
import {
  chunkKey,
  chunkWriter,
  decodeChunk,
  decodeHead,
  emptyHead,
  encodeChunk,
  encodeHead,
} from './layout.js';

const anyRecord = fc.record({
  topic: fc.constant('t'),
  partition: fc.constant(3),
  key: fc.string({ unit: 'grapheme', maxLength: 100 }),
  value: fc.uint8Array({ maxLength: 30_000 }).map((bytes) => Buffer.from(bytes)),
});
const anyOffset = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1_000 });

test('property: chunks give back every record with its place', () => {
  const writer = chunkWriter();
  const property = fc.property(
    fc.array(anyRecord, { minLength: 1, maxLength: 30 }),
    anyOffset,
    anyOffset,
    (records, base, timestampMs) => {
      const places: MutableAppended[] = records.map(() => ({
        topic: 't',
        partition: 3,
        offset: -1,
        timestampMs: -1,
      }));
      const out: LogRecord[] = [];
      for (let from = 0; from < records.length; ) {
        const offset = base + from;
        const { to, bytes } = encodeChunk(writer, records, places, from, offset, timestampMs);
        expect(to).toBeGreaterThan(from);
        const chunk = Buffer.from(writer.scratch.subarray(0, bytes));
        const end = decodeChunk(chunk, 't', 3, offset, Number.POSITIVE_INFINITY, out);
        expect(end).toBe(base + to);
        from = to;
      }
      expect(out).toEqual(
        records.map((record, index) => ({ ...record, offset: base + index, timestampMs })),
      );
      expect(places.map(({ offset }) => offset)).toEqual(records.map((_, index) => base + index));
    },
  );
  fc.assert(property, { numRuns: 50 });
});

test('property: keys sort by partition, then offset', () => {
  const place = fc.tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), anyOffset);
  const property = fc.property(place, place, ([p1, o1], [p2, o2]) => {
    const expected = Math.sign(p1 - p2) || Math.sign(o1 - o2);
    expect(Buffer.compare(chunkKey(p1, o1), chunkKey(p2, o2))).toBe(expected);
  });
  fc.assert(property);
});

test('property: a head comes back as it was', () => {
  const property = fc.property(
    fc.array(fc.tuple(anyOffset, anyOffset), { minLength: 1 }),
    (ends) => {
      const head = emptyHead(ends.length, 1_700_000_000_000);
      head.sealed = ends.length % 2 === 0;
      head.bytes = ends[0]?.[0] ?? 0;
      ends.forEach(([next, lastMs], partition) => {
        head.next[partition] = next;
        head.lastMs[partition] = lastMs;
      });
      expect(decodeHead(encodeHead(head))).toEqual(head);
    },
  );
  fc.assert(property);
});
