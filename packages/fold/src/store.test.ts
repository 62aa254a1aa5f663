import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createMemoryStore, openStore, type Store } from './store.js';

const directory = mkdtempSync(join(tmpdir(), 'paycrawl-store-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let opened = 0;

const stores: [string, () => Store][] = [
  ['memory', createMemoryStore],
  ['lmdb', () => openStore(join(directory, String(opened++)))],
];

describe.each(stores)('the store in %s', (_name, createStore) => {
  const zero = { nextOffset: 0, nowMs: 0 };
  const at = (nextOffset: number) => ({ nextOffset, nowMs: nextOffset * 10 });

  it('behavior: state and position are written together', async () => {
    const store = createStore();
    expect(store.position()).toEqual(zero);
    const writes = new Map<string, unknown>([
      ['a', 1],
      ['b', 'x'],
    ]);
    await store.write(zero, at(3), writes);
    await store.write(at(3), at(4), new Map([['a', undefined]]));
    expect(store.position()).toEqual(at(4));
    expect(store.get('a')).toBeUndefined();
    expect([...store.range('')].filter(([key]) => !key.startsWith('!'))).toEqual([['b', 'x']]);
    await store.close();
  });

  it('error: fold_position_moved; the one who is late writes nothing', async () => {
    const store = createStore();
    await store.write(zero, at(3), new Map([['a', 1]]));
    await expect(store.write(zero, at(9), new Map([['a', 2]]))).rejects.toMatchObject({
      code: 'fold_position_moved',
    });
    expect(store.position()).toEqual(at(3));
    expect(store.get('a')).toBe(1);
    await store.close();
  });

  it('behavior: a snapshot is of one moment, however long it is read', async () => {
    const store = createStore();
    const many = Array.from({ length: 500 }, (_, n) => [`k${n}`, n] as const);
    await store.write(zero, at(1), new Map<string, unknown>(many));
    const { position, entries } = store.snapshot();
    const read: string[] = [];
    let moved = 1;
    for (const [key] of entries) {
      read.push(key);
      if (read.length % 100 !== 0) continue;
      await store.write(
        at(moved),
        at(moved + 1),
        new Map([
          [`z${moved}`, 1],
          ['k499', undefined],
        ]),
      );
      moved += 1;
    }
    expect(position).toEqual(at(1));
    expect(read).toEqual(many.map(([key]) => key).sort());
    await store.close();
  });

  it('behavior: a replacement is whole, and never sets the store back', async () => {
    const store = createStore();
    const other = createStore();
    await other.write(zero, at(7), new Map([['new', 2n ** 70n]]));
    await store.write(zero, at(3), new Map([['old', 1]]));
    const { position, entries } = other.snapshot();
    const copied = [...entries].map(([key, value]): [string, Buffer] => [key, Buffer.from(value)]);
    await store.replace(position, copied);
    expect(store.position()).toEqual(at(7));
    expect(store.get('old')).toBeUndefined();
    expect(store.get('new')).toBe(2n ** 70n);
    await store.replace(at(5), []);
    expect(store.position()).toEqual(at(7));
    await Promise.all([store.close(), other.close()]);
  });

  it('property: values come back as they were, and equal values are equal bytes', async () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.boolean(),
      fc.constant(null),
      fc.maxSafeInteger(),
      fc.bigInt({ min: -(2n ** 256n), max: 2n ** 256n }),
    );
    const { value: values } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'c', 'amount'), tie('value'), {
          noNullPrototype: true,
        }),
      ),
    }));
    const store = createStore();
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const position = store.position();
        const next = at(position.nextOffset + 1);
        await store.write(
          position,
          next,
          new Map([
            ['one', value],
            ['two', structuredClone(value)],
          ]),
        );
        expect(store.get('one')).toEqual(value);
        const [one, two] = [...store.snapshot().entries].map(([, bytes]) => bytes.toString('hex'));
        expect(one).toBe(two);
      }),
    );
    await store.close();
  });
});
