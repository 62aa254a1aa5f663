import { createOrdered, type Entry, type OrderedBounds } from './ordered.js';
import type { EntityReader, Writes } from './view.js';

/** Reads and writes of one partition, layered above its durable store. */
export interface Layers {
  get(key: string): unknown;
  range(prefix: string, countMax?: number): Entry[];
  /** A write of the present record; `undefined` deletes. */
  set(key: string, value: unknown): void;
  /** The present record's writes stand. */
  keep(): void;
  /** The present record's writes never were. */
  undo(): void;
  /** The writes since the last cut; the caller stores them and then calls `cutStored`. */
  cut(): Writes;
  cutStored(): void;
}

export function createLayers(
  store: EntityReader,
  cacheEntriesMax: number,
  orderedBounds?: OrderedBounds,
): Layers {
  /** Latest values: everything not yet stored, and a cache of what is. */
  const live: Writes = new Map();
  let dirty: Writes = new Map();
  let frozen: Writes = new Map();
  const pending: Writes = new Map();
  /** Ranges: as `live`, with what the present record wrote. */
  const ordered = createOrdered(
    (prefix, after, countMax) =>
      mergeRange(store, [frozen, dirty, pending], { prefix, after, countMax }),
    orderedBounds,
  );

  return {
    get(key) {
      if (pending.size > 0 && pending.has(key)) return pending.get(key);
      const known = live.get(key);
      if (known !== undefined || live.has(key)) return known;
      const stored = store.get(key);
      live.set(key, stored);
      return stored;
    },
    range: (prefix, countMax = Number.POSITIVE_INFINITY) => ordered.range(prefix, countMax),
    set(key, value) {
      pending.set(key, value);
      ordered.put(key, value);
    },
    keep() {
      for (const [key, value] of pending) {
        live.set(key, value);
        dirty.set(key, value);
      }
      pending.clear();
    },
    undo() {
      if (pending.size > 0) ordered.forget();
      pending.clear();
    },
    cut() {
      frozen = dirty;
      dirty = new Map();
      return frozen;
    },
    cutStored() {
      frozen = new Map();
      trim(live, dirty, cacheEntriesMax);
    },
  };
}

/** Drops the oldest clean entries until the cache fits. */
function trim(live: Writes, dirty: Writes, entriesMax: number): void {
  if (live.size <= entriesMax) return;
  for (const key of live.keys()) {
    if (live.size <= entriesMax) return;
    if (!dirty.has(key)) live.delete(key);
  }
}

interface Range {
  readonly prefix: string;
  readonly after: string;
  readonly countMax: number;
}

/** In key order whatever lies in which layer: outputs must not depend on what is in memory. */
function mergeRange(
  store: EntityReader,
  layers: readonly Writes[],
  { prefix, after, countMax }: Range,
): Entry[] {
  const over: Writes = new Map();
  for (const layer of layers) {
    for (const [key, value] of layer) {
      if (key > after && key.startsWith(prefix)) over.set(key, value);
    }
  }
  const overKeys = [...over.keys()].sort();
  const merged: Entry[] = [];
  let next = 0;
  const takeOverBelow = (bound: string | undefined): void => {
    for (; next < overKeys.length && merged.length < countMax; next++) {
      const key = overKeys[next] as string;
      if (bound !== undefined && key >= bound) return;
      const value = over.get(key);
      if (value !== undefined) merged.push([key, value]);
    }
  };
  for (const [key, value] of store.range(prefix, after)) {
    takeOverBelow(key);
    if (merged.length >= countMax) return merged;
    if (!over.has(key)) merged.push([key, value]);
    if (merged.length >= countMax) return merged;
  }
  takeOverBelow(undefined);
  return merged;
}
