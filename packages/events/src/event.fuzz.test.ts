import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldens, replaceAt, tornGolden } from './event.given.js';
import { type AnyEvent, decodeEvent, encodeEvent } from './event.js';

const golden = fc.constantFrom(...goldens());

function roundTrips(value: Uint8Array): void {
  const decoded = decodeEvent(value);
  if (decoded.kind !== 'event') return;
  const again = decodeEvent(encodeEvent(decoded.event));
  expect(again).toEqual(decoded);
}

describe('the envelope', () => {
  it('property: hostile bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(['event', 'unreadable', 'unknown_version']).toContain(decodeEvent(bytes).kind);
      }),
    );
  });

  it('property: a torn or bent golden record never throws, and what is read round-trips', () => {
    fc.assert(
      fc.property(tornGolden, (bytes) => roundTrips(bytes)),
      { numRuns: 1000 },
    );
  });

  it('property: any JSON in any place of a record never throws, and what is read round-trips', () => {
    const path = fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(golden, path, fc.jsonValue(), ({ value }, steps, replacement) => {
        const bent = replaceAt(JSON.parse(value.toString()), steps, replacement);
        roundTrips(Buffer.from(JSON.stringify(bent)));
      }),
      { numRuns: 1000 },
    );
  });

  it('property: deep nesting never throws', () => {
    const deep = '['.repeat(200_000);
    expect(decodeEvent(Buffer.from(deep)).kind).toBe('unreadable');
    const nested = `${deep}${']'.repeat(200_000)}`;
    const record = `{"type":"TimePassed.v1","id":"a","source":"s","timeMs":1,"data":${nested}}`;
    expect(decodeEvent(Buffer.from(record)).kind).toBe('unreadable');
  });

  it('property: every event comes back as it was written', () => {
    const attributes = fc.record({
      source: fc.string({ unit: 'binary' }),
      timeMs: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      trace: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
    });
    const identity = fc.oneof(
      fc.record({ id: fc.string({ unit: 'binary' }) }),
      fc.record({ cause: fc.tuple(fc.string({ unit: 'binary' }), fc.nat(), fc.nat(), fc.nat()) }),
    );
    fc.assert(
      fc.property(golden, attributes, identity, ({ value }, { trace, ...rest }, who) => {
        const decoded = decodeEvent(value);
        if (decoded.kind !== 'event') return;
        const { type, data } = decoded.event;
        const id = 'cause' in who ? who.cause.join('/') : who.id;
        const event = {
          type,
          data,
          ...rest,
          ...who,
          id,
          ...(trace === undefined ? {} : { trace }),
        };
        expect(decodeEvent(encodeEvent(event as AnyEvent))).toEqual({ kind: 'event', event });
      }),
    );
  });
});
