import { Type } from '@sinclair/typebox';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldens, replaceAt, tornGolden } from './event.given.js';
import {
  type AnyEvent,
  allDefinitions,
  createDecoder,
  createDecoderOfAny,
  decodeEvent,
  definitionOf,
  encodeEvent,
} from './event.js';
import { createJsonReader, cursorOf } from './json-reader.js';
import { createPlainEventReader } from './plain-event.js';
import { upcasters } from './upcasters.js';

const known = new Map<string, (typeof allDefinitions)[number]>(
  allDefinitions.map((one) => [one.type, one]),
);
const decode = createDecoder(known, upcasters);
const decodeAny = createDecoderOfAny(known, upcasters);

const events = goldens().flatMap(({ value }) => {
  const decoded = decode(value);
  return decoded.kind === 'event' ? [decoded.event] : [];
});
const golden = fc.constantFrom(...goldens());
const event = fc.constantFrom(...events);
const anything = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('a', '0', '"', '\\', '\u0000', '\u007f', 'é', '\u2028') }),
  fc.constantFrom('', '0x', '-1', '1e3', '01'),
  fc.integer(),
  fc.double(),
  fc.jsonValue(),
);
const path = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 4 });

/** The same values, with their fields in the same order. */
function readAlike(value: Uint8Array): void {
  const expected = decodeAny(value);
  const found = decode(value);
  expect(found).toStrictEqual(expected);
  expect(JSON.stringify(found)).toBe(JSON.stringify(expected));
}

/** Few records, with what the readers leave to `JSON.parse`. */
const others = ['BatchObserved', 'PriceBookReplaced', 'SettlementMeasured'];

describe('what reads JSON by the schema', () => {
  it.each(
    events.filter(({ type }) => !others.includes(type)).map((one) => [one.type, one] as const),
  )('behavior: %s needs no other decoder once one like it was read', (type, one) => {
    const { version } = definitionOf(type);
    const reader = createPlainEventReader(new Map([[`${type}.v${version}`, definitionOf(type)]]));
    const isPlain = /^[ -[\]-~]*$/.test(encodeEvent(one).toString());
    expect(reader.read(encodeEvent(one))).toBeUndefined();
    reader.learn(`${type}.v${version}`, one.data);
    const found = reader.read(encodeEvent(one));
    if (isPlain) expect(found).toMatchObject({ type, data: one.data });
    else expect(found).toBeUndefined();
  });

  it('property: a torn or bent record is read alike', () => {
    fc.assert(
      fc.property(tornGolden, (bytes) => readAlike(bytes)),
      { numRuns: 3000 },
    );
  });

  it('property: anything in any place is read alike', () => {
    fc.assert(
      fc.property(golden, path, anything, ({ value }, steps, replacement) => {
        const bent = replaceAt(JSON.parse(value.toString()), steps, replacement);
        readAlike(Buffer.from(JSON.stringify(bent)));
      }),
      { numRuns: 3000 },
    );
  });

  it('property: fields in another order, others and absent ones are read alike', () => {
    const other = fc.dictionary(fc.constantFrom('a', 'chargeId', 'é'), fc.string());
    fc.assert(
      fc.property(event, fc.nat(), fc.nat(), other, (one, turn, left, more) => {
        const fields = Object.entries(one.data);
        const at = turn % Math.max(1, fields.length);
        const turned = [...fields.slice(at), ...fields.slice(0, at), ...Object.entries(more)];
        if (left % 2 === 0) turned.splice(left % Math.max(1, turned.length), 1);
        readAlike(encodeEvent({ ...one, data: Object.fromEntries(turned) } as AnyEvent));
      }),
      { numRuns: 2000 },
    );
  });

  it('behavior: what one record had is not in the next', () => {
    const like = (changes: object) => {
      const one = events.find(({ type }) => type === 'ChallengeIssued') as AnyEvent;
      return encodeEvent({ ...one, data: { ...one.data, ...changes } } as AnyEvent);
    };
    for (const path of ['/a', '/ab', '/a', '/b', '', '/a"b', '/a']) {
      const decoded = decodeEvent(like({ path }));
      expect(decoded).toMatchObject({ event: { data: { path } } });
    }
  });

  it('behavior: few orders of fields are kept', () => {
    const names = ['a', 'b', 'c', 'd'];
    const reader = createJsonReader(
      Type.Object(Object.fromEntries(names.map((name) => [name, Type.Integer()]))),
    );
    const orders = names.flatMap((_, turn) => {
      const turned = [...names.slice(turn), ...names.slice(0, turn)];
      return [turned, [...turned].reverse(), [turned[1], turned[0], ...turned.slice(2)]];
    });
    const values = orders.map((order) => Object.fromEntries(order.map((name, at) => [name, at])));
    for (const value of values) reader.learn(value);
    const read = values.map((value) => reader.read(cursorOf(Buffer.from(JSON.stringify(value)))));
    expect(read.filter((value) => value !== undefined)).toEqual(values.slice(0, 8));
  });
});
