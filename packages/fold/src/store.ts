import { fail } from '@paycrawl/errors/paycrawl-error';
import { open, type RootDatabase } from 'lmdb';
import { Packr } from 'msgpackr';
import type { EntityReader, Writes } from './view.js';

/** Where the fold stands: everything before `nextOffset` is in the state, outputs included. */
export interface StoredPosition {
  readonly nextOffset: number;
  /** Running maximum of append times. */
  readonly nowMs: number;
}

/** The local store of one partition: state and input position, written together or not at all. */
export interface Store extends EntityReader {
  position(): StoredPosition;
  /**
   * Writes the state of `next`. Fails with `fold_position_moved` when the stored position is not
   * `expected`: somebody else owns the store, and this owner must stop.
   */
  write(expected: StoredPosition, next: StoredPosition, writes: Writes): Promise<void>;
  /** All entries as stored bytes in key order, at one moment. */
  entries(): Iterable<[key: string, value: Buffer]>;
  /** Replaces everything by a snapshot. */
  replace(position: StoredPosition, entries: Iterable<[string, Buffer]>): Promise<void>;
  close(): Promise<void>;
}

const positionKey = '!position';
const start: StoredPosition = { nextOffset: 0, nowMs: 0 };

// Deterministic for equal values: equal states are equal bytes. bigint stays bigint.
const packr = new Packr({ useRecords: false, int64AsType: 'bigint', useBigIntExtension: true });

export function openStore(directory: string): Store {
  const env: RootDatabase<Buffer, string> = open({
    path: directory,
    encoding: 'binary',
    // The log is the truth: a store that a power cut takes back is folded forward again, but a
    // torn one would lie, so commits stay ordered and synced in the background.
    overlappingSync: true,
    maxReaders: 64,
  });
  const read = (key: string): unknown => {
    const bytes = env.get(key);
    return bytes === undefined ? undefined : packr.unpack(bytes);
  };
  const position = (): StoredPosition => (read(positionKey) as StoredPosition | undefined) ?? start;

  return {
    position,
    get: read,
    *range(prefix) {
      for (const { key, value } of env.getRange({ start: prefix, end: `${prefix}\uffff` })) {
        yield [key, packr.unpack(value)];
      }
    },
    async write(expected, next, writes) {
      const written = await env.transaction(() => {
        if (position().nextOffset !== expected.nextOffset) return false;
        for (const [key, value] of writes) {
          if (value === undefined) env.remove(key);
          else env.put(key, packr.pack(value));
        }
        env.put(positionKey, packr.pack(next));
        return true;
      });
      if (!written) throw fail('fold_position_moved', `${directory} has another owner`);
    },
    *entries() {
      for (const { key, value } of env.getRange({ snapshot: true })) {
        if (key !== positionKey) yield [key, value];
      }
    },
    async replace(next, entries) {
      await env.transaction(() => {
        for (const key of [...env.getKeys()]) env.remove(key);
        for (const [key, value] of entries) env.put(key, value);
        env.put(positionKey, packr.pack(next));
      });
    },
    close: () => env.close(),
  };
}

/** The same in memory, for tests and simulations. */
export function createMemoryStore(): Store {
  const entries = new Map<string, Buffer>();
  let stored = start;
  return {
    position: () => stored,
    get: (key) => {
      const bytes = entries.get(key);
      return bytes === undefined ? undefined : packr.unpack(bytes);
    },
    *range(prefix) {
      for (const key of [...entries.keys()].sort()) {
        if (key.startsWith(prefix)) yield [key, packr.unpack(entries.get(key) as Buffer)];
      }
    },
    async write(expected, next, writes) {
      if (stored.nextOffset !== expected.nextOffset) {
        throw fail('fold_position_moved', 'the store has another owner');
      }
      for (const [key, value] of writes) {
        if (value === undefined) entries.delete(key);
        else entries.set(key, Buffer.from(packr.pack(value)));
      }
      stored = next;
    },
    *entries() {
      for (const key of [...entries.keys()].sort()) yield [key, entries.get(key) as Buffer];
    },
    async replace(next, replacement) {
      entries.clear();
      for (const [key, value] of replacement) entries.set(key, value);
      stored = next;
    },
    close: async () => {},
  };
}
