import { fail } from '@paycrawl/errors/paycrawl-error';
import { open, type RootDatabase } from 'lmdb';
import { encodeEntity, packForNow, packr } from './entity.js';
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
  /**
   * All entries as stored bytes in key order, with their position: one moment, however long the
   * reading takes.
   */
  snapshot(): { readonly position: StoredPosition; readonly entries: Iterable<[string, Buffer]> };
  /** Replaces everything by a snapshot, unless the store stands there or further already. */
  replace(position: StoredPosition, entries: Iterable<[string, Buffer]>): Promise<void>;
  close(): Promise<void>;
}

const positionKey = '!position';
const start: StoredPosition = { nextOffset: 0, nowMs: 0 };

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
    *range(prefix, after = '') {
      const start = after > prefix ? after : prefix;
      for (const { key, value } of env.getRange({ start, end: `${prefix}\uffff` })) {
        if (key > after) yield [key, packr.unpack(value)];
      }
    },
    async write(expected, next, writes) {
      // In a transaction LMDB copies each value before `put` returns.
      const written = await env.transaction(() => {
        if (position().nextOffset !== expected.nextOffset) return false;
        for (const [key, value] of writes) {
          if (value === undefined) env.remove(key);
          else env.put(key, packForNow(packr, value));
        }
        env.put(positionKey, packr.pack(next));
        return true;
      });
      if (!written) throw fail('fold_position_moved', `${directory} has another owner`);
    },
    snapshot() {
      // Position and first entry are read in one turn, so from one read transaction, and the
      // range keeps that transaction to its end.
      const at = position();
      const range = env.getRange({ snapshot: true })[Symbol.iterator]();
      const first = range.next();
      return { position: at, entries: entriesOf(first, range) };
    },
    async replace(next, entries) {
      await env.transaction(() => {
        if (position().nextOffset >= next.nextOffset) return;
        for (const key of [...env.getKeys()]) env.remove(key);
        for (const [key, value] of entries) env.put(key, value);
        env.put(positionKey, packr.pack(next));
      });
    },
    close: () => env.close(),
  };
}

type StoredEntry = { readonly key: string; readonly value: Buffer };

function* entriesOf(
  first: IteratorResult<StoredEntry>,
  range: Iterator<StoredEntry>,
): Generator<[key: string, value: Buffer]> {
  try {
    for (let next = first; next.done !== true; next = range.next()) {
      if (next.value.key !== positionKey) yield [next.value.key, next.value.value];
    }
  } finally {
    range.return?.();
  }
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
    *range(prefix, after = '') {
      const found = [...entries.keys()].filter((key) => key > after && key.startsWith(prefix));
      for (const key of found.sort()) {
        yield [key, packr.unpack(entries.get(key) as Buffer)];
      }
    },
    async write(expected, next, writes) {
      if (stored.nextOffset !== expected.nextOffset) {
        throw fail('fold_position_moved', 'the store has another owner');
      }
      for (const [key, value] of writes) {
        if (value === undefined) entries.delete(key);
        else entries.set(key, encodeEntity(value));
      }
      stored = next;
    },
    snapshot: () => ({
      position: stored,
      entries: [...entries].sort(([a], [b]) => (a < b ? -1 : 1)),
    }),
    async replace(next, replacement) {
      if (stored.nextOffset >= next.nextOffset) return;
      entries.clear();
      for (const [key, value] of replacement) entries.set(key, value);
      stored = next;
    },
    close: async () => {},
  };
}
