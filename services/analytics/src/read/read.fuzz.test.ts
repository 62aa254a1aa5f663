import { PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeCursor, readCursor } from './cursor.js';
import { type FoundEvent, inCausalOrder } from './event-lookup.js';
import { readPeriod, roundOutward } from './period.js';

/** Only a typed refusal may come out of hostile text. */
function refusedOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    expect(error).toBeInstanceOf(PaycrawlError);
    return undefined;
  }
}

describe('what comes in by a query', () => {
  test('property: a cursor comes back as it was', () => {
    const id = fc.string({ minLength: 1, maxLength: 100 }).filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(fc.nat({ max: 4_102_444_800_000 }), id, (atMs, text) => {
        expect(readCursor(encodeCursor({ atMs, id: text }))).toEqual({ atMs, id: text });
      }),
    );
  });

  test('property: hostile cursors and times are refused, never a crash', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        refusedOr(() => readCursor(a));
        const period = refusedOr(() => readPeriod({ from: a, to: b }, 1_769_860_800_000));
        if (period !== undefined) expect(period.fromMs).toBeLessThan(period.toMs);
      }),
    );
  });

  test('property: rounding outward loses nothing and adds less than a unit on each side', () => {
    const time = fc.nat({ max: 4_102_444_800_000 });
    const unit = fc.constantFrom('hour' as const, 'day' as const);
    fc.assert(
      fc.property(time, fc.nat({ max: 10_000_000_000 }), unit, (fromMs, width, unitName) => {
        const toMs = fromMs + width + 1;
        const rounded = roundOutward({ fromMs, toMs }, unitName);
        const unitMs = unitName === 'hour' ? 3_600_000 : 86_400_000;
        expect(rounded.fromMs % unitMs).toBe(0);
        expect(rounded.toMs % unitMs).toBe(0);
        expect(fromMs - rounded.fromMs).toBeGreaterThanOrEqual(0);
        expect(fromMs - rounded.fromMs).toBeLessThan(unitMs);
        expect(rounded.toMs - toMs).toBeGreaterThanOrEqual(0);
        expect(rounded.toMs - toMs).toBeLessThan(unitMs);
      }),
    );
  });
});

describe('events of one crawl', () => {
  const place = fc.record({
    topic: fc.constantFrom('payments.1', 'decisions.1', 'ledger.1', 'charges.1'),
    offset: fc.nat({ max: 8 }),
    atMs: fc.nat({ max: 3 }),
    cause: fc.option(
      fc.record({
        topic: fc.constantFrom('payments.1', 'decisions.1'),
        offset: fc.nat({ max: 8 }),
      }),
      { nil: undefined },
    ),
  });

  test('property: every event once, whatever they say was their cause', () => {
    fc.assert(
      fc.property(fc.array(place, { maxLength: 20 }), (places) => {
        const byPlace = new Map(places.map((one) => [`${one.topic}/${one.offset}`, one]));
        const events = [...byPlace.values()].map(found);
        const ordered = inCausalOrder(events);
        expect(new Set(ordered)).toEqual(new Set(events));
        expect(ordered.length).toBe(events.length);
      }),
    );
  });

  function found(one: { topic: string; offset: number; atMs: number; cause?: unknown }) {
    const cause = one.cause as { topic: string; offset: number } | undefined;
    const place = cause === undefined ? {} : { cause: [cause.topic, 0, cause.offset, 0] };
    return { ...one, partition: 0, type: 'x', event: place } as unknown as FoundEvent;
  }

  test('behavior: an effect never stands before its cause', () => {
    const late = found({ topic: 'payments.1', offset: 0, atMs: 9 });
    const cause = { topic: 'payments.1', offset: 0 };
    const early = found({ topic: 'decisions.1', offset: 5, atMs: 1, cause });
    expect(inCausalOrder([early, late])).toEqual([late, early]);
  });

  test('behavior: what a fold wrote late stands before what it read next', () => {
    const proof = found({ topic: 'payments.1', offset: 3, atMs: 1 });
    const delivery = found({ topic: 'payments.1', offset: 4, atMs: 2 });
    const cause = { topic: 'payments.1', offset: 3 };
    const decision = found({ topic: 'decisions.1', offset: 9, atMs: 7, cause });
    expect(inCausalOrder([delivery, decision, proof])).toEqual([proof, decision, delivery]);
  });
});
