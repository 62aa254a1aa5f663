import { fail } from '@paycrawl/errors/paycrawl-error';
import type { LogRecord } from '@paycrawl/event-log/event-log';
import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { Packr } from 'msgpackr';
import { beforeEach, describe, expect, it } from 'vitest';
import { restoreSnapshot, writeSnapshot } from './snapshot.js';
import { createMemoryStore, type Store } from './store.js';
import { bytesOf } from './world.given.js';

const place = { topic: 'snapshots-verifier.1', partition: 0 };
const packr = new Packr({ useRecords: false });
let log = createMemoryLog({ clock: () => 1 });

beforeEach(async () => {
  log = createMemoryLog({ clock: () => 1 });
  await log.createTopics([{ name: place.topic, partitions: 1, retentionMs: 1000 }]);
});

async function storeAt(nextOffset: number, entries = 3): Promise<Store> {
  const store = createMemoryStore();
  const writes = new Map<string, unknown>();
  for (let n = 0; n < entries; n++) writes.set(`n/${n}`, `${nextOffset}: ${'x'.repeat(10_000)}`);
  await store.write(store.position(), { nextOffset, nowMs: nextOffset * 10 }, writes);
  return store;
}

/** Writes to the topic what `keep` lets through, as a writer that dies would. */
async function rewrite(
  keep: (record: { kind: string }, index: number) => boolean,
  bend: (value: Buffer) => Buffer = (value) => value,
): Promise<void> {
  const records = await log.read(place, 0, 1000);
  log = createMemoryLog({ clock: () => 1 });
  await log.createTopics([{ name: place.topic, partitions: 1, retentionMs: 1000 }]);
  const kept = records.filter(({ value }, index) => keep(packr.unpack(value), index));
  await log.producer().append(kept.map((record) => ({ ...record, value: bend(record.value) })));
}

describe('a new owner', () => {
  it('behavior: what is no snapshot is passed over and told, with its place', async () => {
    const whole = await storeAt(9);
    await writeSnapshot(log, place, whole);
    await log.producer().append([{ ...place, key: 'x', value: Buffer.from('{"type":') }]);
    const told: string[] = [];
    const restored = createMemoryStore();
    await restoreSnapshot(log, place, restored, ({ value }) => told.push(value.toString()));
    expect(told).toEqual(['{"type":']);
    expect(bytesOf(restored)).toBe(bytesOf(whole));
  });

  it('behavior: takes the newest complete snapshot, position and state', async () => {
    const newest = await storeAt(9, 100);
    for (const store of [await storeAt(4), newest, await storeAt(7)]) {
      await writeSnapshot(log, place, store);
    }
    const restored = createMemoryStore();
    await restoreSnapshot(log, place, restored);
    expect(bytesOf(restored)).toBe(bytesOf(newest));
  });

  it('behavior: an empty state is a snapshot too', async () => {
    const empty = await storeAt(5, 0);
    await writeSnapshot(log, place, empty);
    const restored = createMemoryStore();
    await restoreSnapshot(log, place, restored);
    expect(restored.position()).toEqual({ nextOffset: 5, nowMs: 50 });
  });

  it('behavior: goes on from its own store where that stands further', async () => {
    await writeSnapshot(log, place, await storeAt(4));
    const own = await storeAt(6, 1);
    const before = bytesOf(own);
    await restoreSnapshot(log, place, own);
    expect(bytesOf(own)).toBe(before);
  });

  it('behavior: two owners at one position may both have written', async () => {
    const store = await storeAt(9, 100);
    await writeSnapshot(log, place, store);
    const records = await log.read(place, 0, 1000);
    const twice = records.flatMap((record) => [record, record]);
    await rewrite(() => false);
    await log.producer().append(twice);
    const restored = createMemoryStore();
    await restoreSnapshot(log, place, restored);
    expect(bytesOf(restored)).toBe(bytesOf(store));
  });

  it('behavior: two owners at different positions may have written at once', async () => {
    const stores = [await storeAt(4, 100), await storeAt(9, 100)];
    for (const store of stores) await writeSnapshot(log, place, store);
    const records = await log.read(place, 0, 1000);
    const half = records.length / 2;
    await rewrite(() => false);
    for (let n = 0; n < half; n++) {
      await log.producer().append([records[n + half] as LogRecord, records[n] as LogRecord]);
    }
    const restored = createMemoryStore();
    await restoreSnapshot(log, place, restored);
    expect(bytesOf(restored)).toBe(bytesOf(stores[1] as Store));
  });

  it('behavior: states that are of no use are not read, however many there are', async () => {
    let own = await storeAt(1);
    for (let at = 1; at <= 30; at++) {
      own = await storeAt(at, 100);
      await writeSnapshot(log, place, own);
    }
    const { next } = await log.offsets(place);
    expect(next).toBeGreaterThan(30 * 4);
    let records = 0;
    const counting = {
      ...log,
      read: async (...asked: Parameters<typeof log.read>) => {
        const found = await log.read(...asked);
        records += found.length;
        return found;
      },
    };
    await restoreSnapshot(counting, place, own);
    // A manifest and a first chunk of each of the last few.
    expect(records).toBeLessThanOrEqual(2 * 8);
  });

  it('behavior: a log that fails while a snapshot is written fails the writing', async () => {
    const failing = {
      ...log,
      producer: () => ({
        append: () => Promise.reject(fail('log_unavailable', 'gone')),
        discard: () => undefined,
        close: async () => {},
      }),
    };
    const writing = writeSnapshot(failing, place, await storeAt(9, 400));
    await expect(writing).rejects.toMatchObject({ code: 'log_unavailable' });
  });

  it.each<[string, () => Promise<void>]>([
    ['its manifest is missing', () => rewrite(({ kind }, index) => kind === 'chunk' || index < 3)],
    ['a chunk is missing', () => rewrite((_, index) => index !== 3)],
    [
      'a chunk was changed',
      () =>
        rewrite(
          () => true,
          (value) => Buffer.from(value.toString('latin1').replace('9: xx', '9: yx'), 'latin1'),
        ),
    ],
    [
      'a record is no record',
      () =>
        rewrite(
          () => true,
          (value) => (value.includes('9: ') ? Buffer.from([0xc1]) : value),
        ),
    ],
  ])('behavior: takes the one before where the newest is torn: %s', async (_name, tear) => {
    const older = await storeAt(4, 30);
    await writeSnapshot(log, place, older);
    await writeSnapshot(log, place, await storeAt(9, 100));
    await tear();
    const restored = createMemoryStore();
    await restoreSnapshot(log, place, restored);
    expect(bytesOf(restored)).toBe(bytesOf(older));
  });
});
