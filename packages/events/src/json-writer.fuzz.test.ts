import { type TObject, Type } from '@sinclair/typebox';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldens, replaceAt } from './event.given.js';
import { type AnyEvent, allDefinitions, decodeEvent, encodeEvent } from './event.js';
import { createJsonWriter } from './json-writer.js';

const writers = new Map(
  allDefinitions.map(({ type, schema }) => [type, createJsonWriter(schema as TObject)]),
);

const events = goldens().flatMap(({ value }) => {
  const decoded = decodeEvent(value);
  return decoded.kind === 'event' ? [decoded.event] : [];
});
const golden = fc.constantFrom(...events);
const path = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 4 });
const anything = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('a', '"', '\\', '\u0000', '\u007f', 'é', '\u2028', '\ud800') }),
  fc.integer(),
  fc.double(),
  fc.jsonValue(),
  fc.constant(undefined),
);

/** What the record's value was before there were writers. */
function plainly(event: AnyEvent, version: number): string {
  const { type, cause, id, source, timeMs, trace, data } = event;
  const origin = cause === undefined ? { id } : { cause };
  return JSON.stringify({ type: `${type}.v${version}`, ...origin, source, timeMs, trace, data });
}

const versions = new Map(allDefinitions.map(({ type, version }) => [type, version]));

function versionOf({ type }: AnyEvent): number {
  return versions.get(type) as number;
}

describe('what writes JSON by the schema', () => {
  it.each(events.map((event) => [event.type, event] as const))(
    'behavior: the golden %s needs no other writer',
    (type, { data }) => {
      expect(writers.get(type)?.(data)).toBe(JSON.stringify(data));
    },
  );

  it('property: writes as JSON.stringify does, or leaves it to that', () => {
    fc.assert(
      fc.property(golden, path, anything, ({ type, data }, steps, replacement) => {
        const bent = replaceAt(data, steps, replacement);
        const written = writers.get(type)?.(bent);
        if (written !== undefined) expect(written).toBe(JSON.stringify(bent));
      }),
      { numRuns: 3000 },
    );
  });

  it('behavior: an order of fields is learned, and few of them are kept', () => {
    const schema = Type.Object({
      a: Type.Integer(),
      b: Type.Integer(),
      c: Type.Integer(),
      d: Type.Integer(),
    });
    const write = createJsonWriter(schema);
    const fields = ['a', 'b', 'c', 'd'];
    const orders = fields.flatMap((_, turn) => {
      const turned = [...fields.slice(turn), ...fields.slice(0, turn)];
      return [turned, [...turned].reverse(), [turned[1], turned[0], ...turned.slice(2)]];
    });
    for (let pass = 0; pass < 2; pass++) {
      const written = orders.map((order) => {
        const value = Object.fromEntries(order.map((name, at) => [name, at]));
        const text = write(value);
        if (text !== undefined) expect(text).toBe(JSON.stringify(value));
        return text;
      });
      expect(written.filter((text) => text !== undefined)).toHaveLength(8);
    }
    expect(write({ a: 1, b: 2, c: 3, d: 4, e: 5 })).toBeUndefined();
  });

  it('property: fields in another order stay in that order, and others are kept', () => {
    const other = fc.dictionary(fc.constantFrom('a', 'chargeId', 'é'), fc.string());
    fc.assert(
      fc.property(golden, fc.nat(), other, (event, turn, more) => {
        const fields = Object.entries(event.data);
        const at = turn % Math.max(1, fields.length);
        const turned = [...fields.slice(at), ...fields.slice(0, at), ...Object.entries(more)];
        const bent = { ...event, data: Object.fromEntries(turned) } as AnyEvent;
        expect(encodeEvent(bent).toString()).toBe(plainly(bent, versionOf(bent)));
      }),
      { numRuns: 1000 },
    );
  });

  it('property: whatever the texts are, the record is that of JSON.stringify', () => {
    const text = fc.string({ unit: 'binary' });
    const attributes = fc.record({
      source: text,
      id: text,
      trace: fc.option(text, { nil: undefined }),
    });
    const cause = fc.option(fc.tuple(text, fc.nat(), fc.nat(), fc.nat()), { nil: undefined });
    fc.assert(
      fc.property(golden, attributes, cause, path, text, (event, others, from, steps, value) => {
        const data = replaceAt(event.data, steps, value);
        const bent = { ...event, ...others, cause: from, data } as AnyEvent;
        expect(encodeEvent(bent).toString()).toBe(
          Buffer.from(plainly(bent, versionOf(bent))).toString(),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('behavior: a record stays as it was when many more are written', () => {
    const written = events.map((event) => [encodeEvent(event), plainly(event, versionOf(event))]);
    for (let i = 0; i < 5000; i++) encodeEvent(events[i % events.length] as AnyEvent);
    for (const [bytes, text] of written) expect(String(bytes)).toBe(text);
  });
});
