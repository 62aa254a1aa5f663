import { Type } from '@sinclair/typebox';
import { describe, expect, it } from 'vitest';
import { define, type EventDefinition } from './definition.js';
import { isApplied } from './envelope.js';
import { goldens } from './event.given.js';
import { allDefinitions, createDecoder, decodeEvent, encodeEvent } from './event.js';
import { addressOfPayer, chargeId, payerId } from './ids.js';

function recordOf(parts: Record<string, unknown>): Buffer {
  return Buffer.from(JSON.stringify(parts));
}

const timePassed = { type: 'TimePassed.v1', id: 'a', source: 's', timeMs: 1, data: {} };

describe('golden files', () => {
  it('behavior: every type has one in its present version', () => {
    const names = goldens().map(({ name }) => name);
    const expected = allDefinitions.map(({ type, version }) => `${type}.v${version}`);
    expect(expected.filter((name) => !names.includes(name))).toEqual([]);
  });

  it.each(goldens())('behavior: $name is read, and written back byte for byte', (golden) => {
    const decoded = decodeEvent(golden.value);
    expect(decoded).toMatchObject({ kind: 'event' });
    if (decoded.kind !== 'event') return;
    const { type } = decoded.event;
    const present = allDefinitions.find((definition) => definition.type === type)?.version;
    // An older version is read as the present one, so only the present one comes back as it was.
    if (golden.name !== `${type}.v${present}`) return;
    expect(encodeEvent(decoded.event).toString()).toBe(golden.value.toString());
  });
});

describe('what cannot be read', () => {
  it.each<[string, Buffer]>([
    ['not JSON', Buffer.from('{')],
    ['no object', Buffer.from('7')],
    ['null', Buffer.from('null')],
    ['no type', recordOf({ ...timePassed, type: 1 })],
    ['unknown type', recordOf({ ...timePassed, type: 'TimeStoodStill.v1' })],
    ['no version', recordOf({ ...timePassed, type: 'TimePassed' })],
    ['version that is no number', recordOf({ ...timePassed, type: 'TimePassed.v1x' })],
    ['version zero', recordOf({ ...timePassed, type: 'TimePassed.v0' })],
    ['a name of the prototype', recordOf({ ...timePassed, type: 'constructor.v1' })],
    ['no source', recordOf({ ...timePassed, source: undefined })],
    ['a time beyond integers', Buffer.from(JSON.stringify(timePassed).replace(':1,', ':1e400,'))],
    ['neither id nor cause', recordOf({ ...timePassed, id: undefined })],
    [
      'a cause with a negative offset',
      recordOf({ ...timePassed, cause: ['payments.1', 0, -1, 0] }),
    ],
    ['a cause too short', recordOf({ ...timePassed, cause: ['payments.1', 0, 1] })],
    ['data of another shape', recordOf({ ...timePassed, type: 'PayerFrozen.v1' })],
  ])('behavior: %s is unreadable', (_name, value) => {
    expect(decodeEvent(value).kind).toBe('unreadable');
  });

  it('behavior: a known type in a later version says so, whatever its data', () => {
    expect(decodeEvent(recordOf({ ...timePassed, type: 'TimePassed.v2', data: 7 }))).toEqual({
      kind: 'unknown_version',
      detail: 'TimePassed.v2',
    });
  });
});

describe('upcasters', () => {
  const present: EventDefinition = define('TimePassed', 3, { seconds: Type.Integer() });
  const known = new Map([[present.type as string, present]]);
  const decode = createDecoder(known, {
    'TimePassed.v1': (data) => ({ minutes: (data as { minutes: number }).minutes }),
    'TimePassed.v2': (data) => {
      const { minutes } = data as { minutes: number };
      if (minutes < 0) throw new RangeError('minutes');
      return { seconds: minutes * 60 };
    },
  });
  const old = (version: number, data: unknown) =>
    recordOf({ ...timePassed, type: `TimePassed.v${version}`, data });

  it('behavior: old data goes through every step to the present version', () => {
    for (const version of [1, 2]) {
      expect(decode(old(version, { minutes: 2 }))).toMatchObject({
        kind: 'event',
        event: { type: 'TimePassed', data: { seconds: 120 } },
      });
    }
    expect(decode(old(3, { seconds: 5 }))).toMatchObject({ event: { data: { seconds: 5 } } });
  });

  it('behavior: old data that makes no sense is unreadable, and nothing throws', () => {
    expect(decode(old(1, null)).kind).toBe('unreadable');
    expect(decode(old(2, { minutes: -1 })).kind).toBe('unreadable');
    expect(decode(old(2, { minutes: 'x' })).kind).toBe('unreadable');
  });

  it('behavior: a version whose upcaster is gone stops, as a later one does', () => {
    const bare = createDecoder(known, {});
    expect(bare(old(2, { minutes: 1 })).kind).toBe('unknown_version');
    expect(bare(old(4, {})).kind).toBe('unknown_version');
  });
});

describe('old versions in the log', () => {
  const read = (type: string, data: unknown) => {
    const decoded = decodeEvent(recordOf({ ...timePassed, type, data }));
    return decoded.kind === 'event' ? decoded.event.data : decoded.kind;
  };
  const goldenData = (name: string) => {
    const golden = goldens().find((one) => one.name === name);
    return JSON.parse(String(golden?.value)).data as Record<string, unknown>;
  };

  it('behavior: gas without shares was all the platform’s', () => {
    const data = goldenData('GasSpent.v1');
    expect(read('GasSpent.v1', data)).toEqual({ ...data, shares: [] });
    expect(read('GasSpent.v2', data)).toBe('unreadable');
    for (const broken of [null, 7, undefined])
      expect(read('GasSpent.v1', broken)).toBe('unreadable');
  });

  it('behavior: a price book is read without the fee that never had an effect', () => {
    const data = goldenData('PriceBookReplaced.v1');
    const old = { ...data, book: { ...(data.book as object), feeBasisPoints: 250 } };
    expect(read('PriceBookReplaced.v1', old)).toEqual(data);
    expect(read('PriceBookReplaced.v1', { ...data, book: null })).toBe('unreadable');
  });
});

describe('causes', () => {
  const cause = (offset: number, index: number) => ['payments.1', 3, offset, index] as const;

  it('behavior: what is not greater than the applied one was applied', () => {
    const applied = { offset: 5, index: 1 };
    expect(isApplied(undefined, cause(0, 0))).toBe(false);
    expect(isApplied(applied, cause(4, 9))).toBe(true);
    expect(isApplied(applied, cause(5, 1))).toBe(true);
    expect(isApplied(applied, cause(5, 2))).toBe(false);
    expect(isApplied(applied, cause(6, 0))).toBe(false);
  });

  it('behavior: the id of an output is its cause and is not written twice', () => {
    const decoded = decodeEvent(recordOf({ ...timePassed, id: undefined, cause: cause(5, 1) }));
    expect(decoded).toMatchObject({ kind: 'event', event: { id: 'payments.1/3/5/1' } });
    if (decoded.kind === 'event') expect(encodeEvent(decoded.event).toString()).not.toContain('id');
  });
});

describe('ids', () => {
  const from = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

  it('behavior: one authorization is one charge, however its address is written', () => {
    const nonce = `0x${'7F'.repeat(32)}`;
    const id = chargeId('eip155:84532', '0xAB', from, nonce);
    expect(id).toBe(chargeId('eip155:84532', '0xab', from.toLowerCase(), nonce.toLowerCase()));
    expect(id).toMatch(/^c[0-9a-f]{40}$/);
    expect(id).not.toBe(chargeId('eip155:8453', '0xab', from, nonce));
  });

  it('behavior: a payer is an account on a network', () => {
    const payer = payerId('eip155:84532', from);
    expect(payer).toBe(`eip155:84532:${from.toLowerCase()}`);
    expect(addressOfPayer(payer)).toBe(from.toLowerCase());
  });
});
