import { createOrdered, type OrderedBounds } from './ordered.js';
import type { Entry } from './sorted-entries.js';
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

/** An entity in memory, found by its key once for each read or write. */
interface Cell {
  readonly key: string;
  value: unknown;
  /** Whether the store may hold the key: what it never held need not be deleted there. */
  mayBeStored: boolean;
  /** Written by records since the last cut. */
  isDirty: boolean;
  /** Written by the present record; `before` is what stood there. */
  isWritten: boolean;
  before: unknown;
}

/** Stands before the write of an entity that nobody had read. */
const notRead = Symbol('not read');

export function createLayers(
  store: EntityReader,
  cacheEntriesMax: number,
  orderedBounds?: OrderedBounds,
): Layers {
  /** Everything not yet stored, and a cache of what is. */
  const cells = new Map<string, Cell>();
  const stored = createReadThrough(store, cells, cacheEntriesMax);
  let written: Cell[] = [];
  let dirty: Cell[] = [];
  let frozen: Cell[] = [];
  let frozenWrites: Writes = [];
  const ordered = createOrdered(
    (prefix, after, countMax) =>
      mergeRange(store, [frozenWrites, dirty, written], { prefix, after, countMax }),
    orderedBounds,
  );

  return {
    get(key) {
      const cell = cells.get(key);
      return cell === undefined ? stored.read(key, frozen.length === 0) : cell.value;
    },
    range: (prefix, countMax = Number.POSITIVE_INFINITY) => ordered.range(prefix, countMax),
    set(key, value) {
      const wasAbsent = ordered.put(key, value);
      const cell = cells.get(key) ?? addCell(cells, key, notRead, !wasAbsent);
      if (!cell.isWritten) {
        cell.isWritten = true;
        cell.before = cell.value;
        written.push(cell);
      }
      cell.value = value;
    },
    keep() {
      if (written.length === 0) return;
      for (const cell of written) {
        cell.isWritten = false;
        cell.before = undefined;
        if (cell.isDirty) continue;
        cell.isDirty = true;
        dirty.push(cell);
      }
      written = [];
    },
    undo() {
      if (written.length === 0) return;
      ordered.forget();
      for (const cell of written) undoWrite(cells, cell);
      written = [];
    },
    cut() {
      [frozen, frozenWrites] = cutOf(cells, dirty);
      dirty = [];
      return frozenWrites;
    },
    cutStored() {
      // What was deleted is seldom asked for again, and the store knows as well.
      for (const cell of frozen) {
        if (cell.value === undefined && isClean(cell)) cells.delete(cell.key);
      }
      frozen = [];
      frozenWrites = [];
      stored.fit();
    },
  };
}

/** Reads what is in no cell yet, and keeps no more than fits. */
function createReadThrough(store: EntityReader, cells: Map<string, Cell>, entriesMax: number) {
  let added = 0;
  const fit = (): void => {
    trim(cells, entriesMax);
    added = 0;
  };
  return {
    fit,
    /** Until a cut is stored, what seems to be clean may stand here alone. */
    read(key: string, isCutStored: boolean): unknown {
      // Who only looks at the state makes no cut, after which the cache would be made to fit.
      if (++added > entriesMax && isCutStored) fit();
      const value = store.get(key);
      addCell(cells, key, value, value !== undefined);
      return value;
    },
  };
}

/** The cells that the store has to know, with what was kept of them. */
function cutOf(
  cells: Map<string, Cell>,
  dirty: readonly Cell[],
): [frozen: Cell[], writes: [key: string, value: unknown][]] {
  const frozen: Cell[] = [];
  const writes: [key: string, value: unknown][] = [];
  for (const cell of dirty) {
    cell.isDirty = false;
    const value = cell.isWritten ? cell.before : cell.value;
    if (value === undefined && !cell.mayBeStored) {
      // It came and went since the last cut.
      if (!cell.isWritten) cells.delete(cell.key);
      continue;
    }
    cell.mayBeStored = true;
    frozen.push(cell);
    writes.push([cell.key, value]);
  }
  return [frozen, writes];
}

function addCell(
  cells: Map<string, Cell>,
  key: string,
  value: unknown,
  mayBeStored: boolean,
): Cell {
  const cell = { key, value, mayBeStored, isDirty: false, isWritten: false, before: undefined };
  cells.set(key, cell);
  return cell;
}

function undoWrite(cells: Map<string, Cell>, cell: Cell): void {
  if (cell.before === notRead) cells.delete(cell.key);
  cell.value = cell.before;
  cell.before = undefined;
  cell.isWritten = false;
}

function isClean({ isDirty, isWritten }: Cell): boolean {
  return !isDirty && !isWritten;
}

/** Drops the oldest clean entries until the cache fits. */
function trim(cells: Map<string, Cell>, entriesMax: number): void {
  if (cells.size <= entriesMax) return;
  for (const cell of cells.values()) {
    if (cells.size <= entriesMax) return;
    if (isClean(cell)) cells.delete(cell.key);
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
  [frozen, dirty, written]: readonly [Writes, readonly Cell[], readonly Cell[]],
  { prefix, after, countMax }: Range,
): Entry[] {
  const over = new Map<string, unknown>();
  const isInRange = (key: string): boolean => key > after && key.startsWith(prefix);
  for (const [key, value] of frozen) if (isInRange(key)) over.set(key, value);
  for (const { key, value } of dirty) if (isInRange(key)) over.set(key, value);
  for (const { key, value } of written) if (isInRange(key)) over.set(key, value);
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
