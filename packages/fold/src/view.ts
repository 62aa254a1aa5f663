import type { View } from './fold.js';

/** The durable side that a view reads through to. */
export interface EntityReader {
  get(key: string): unknown;
  /** Entries with the prefix in key order. */
  range(prefix: string): Iterable<[key: string, value: unknown]>;
}

/** `undefined` stands for a deleted entity. */
export type Writes = Map<string, unknown>;

/**
 * The state of one partition in memory: the durable store below, what was folded since above it.
 * `cut` hands out the writes since the last cut, so that a checkpoint holds exactly the state of
 * one position while folding goes on.
 */
export interface Working<Out> {
  readonly view: View<Out>;
  begin(nowMs: number): void;
  /** Keeps the writes of the record; returns its outputs. */
  keep(): Out[];
  /** Undoes the writes and outputs of the record. */
  undo(): void;
  cut(): Writes;
  /** The writes of the last cut are in the store now. */
  cutStored(): void;
  /** The earliest open timer, if any: a lower bound until the timers are taken. */
  earliestTimerMs(): number | undefined;
}

const timerPrefix = '~t/';
const timerDigits = 14;

export function createWorking<Out>(
  store: EntityReader,
  options: { cacheEntriesMax: number } = { cacheEntriesMax: 200_000 },
): Working<Out> {
  /** Latest values: everything not yet stored, and a cache of what is. */
  const live: Writes = new Map();
  let dirty: Writes = new Map();
  let frozen: Writes = new Map();
  const pending: Writes = new Map();
  let outputs: Out[] = [];
  let nowMs = 0;
  let earliestTimerMs = firstTimerMs(store);

  function get(key: string): unknown {
    if (pending.size > 0 && pending.has(key)) return pending.get(key);
    const known = live.get(key);
    if (known !== undefined || live.has(key)) return known;
    const stored = store.get(key);
    live.set(key, stored);
    return stored;
  }

  function range(prefix: string, countMax = Number.POSITIVE_INFINITY): [string, unknown][] {
    return mergeRange(store, [frozen, dirty, pending], prefix, countMax);
  }

  function setTimer(key: string, atMs: number): void {
    pending.set(timerKey(atMs, key), true);
    if (earliestTimerMs === undefined || atMs < earliestTimerMs) earliestTimerMs = atMs;
  }

  function takeDueTimers(countMax: number): string[] {
    const due: string[] = [];
    for (const [stored] of range(timerPrefix, countMax + 1)) {
      if (timeOfTimer(stored) > nowMs || due.length === countMax) break;
      pending.set(stored, undefined);
      due.push(stored.slice(timerPrefix.length + timerDigits + 1));
    }
    const next = range(timerPrefix, 1)[0];
    earliestTimerMs = next === undefined ? undefined : timeOfTimer(next[0]);
    return due;
  }

  const view: View<Out> = {
    get nowMs() {
      return nowMs;
    },
    get: <Value>(key: string) => get(key) as Value | undefined,
    range: <Value>(prefix: string, countMax?: number) =>
      range(prefix, countMax) as [string, Value][],
    set: (key, value) => void pending.set(key, value),
    delete: (key) => void pending.set(key, undefined),
    setTimer,
    clearTimer: (key, atMs) => void pending.set(timerKey(atMs, key), undefined),
    takeDueTimers,
    emit: (output) => void outputs.push(output),
  };

  return {
    view,
    begin: (recordNowMs) => {
      nowMs = recordNowMs;
    },
    keep: () => {
      for (const [key, value] of pending) {
        live.set(key, value);
        dirty.set(key, value);
      }
      pending.clear();
      const kept = outputs;
      outputs = [];
      return kept;
    },
    undo: () => {
      pending.clear();
      outputs = [];
      // A bound too low costs one look; a lost timer would cost an expiry.
      earliestTimerMs = earliestTimerMs === undefined ? undefined : 0;
    },
    cut: () => {
      frozen = dirty;
      dirty = new Map();
      return frozen;
    },
    cutStored: () => {
      frozen = new Map();
      trim(live, dirty, options.cacheEntriesMax);
    },
    earliestTimerMs: () => earliestTimerMs,
  };
}

/** Drops the oldest clean entries until the cache fits; timers are never worth caching. */
function trim(live: Writes, dirty: Writes, entriesMax: number): void {
  if (live.size <= entriesMax) return;
  for (const key of live.keys()) {
    if (live.size <= entriesMax) return;
    if (!dirty.has(key)) live.delete(key);
  }
}

function mergeRange(
  store: EntityReader,
  layers: readonly Writes[],
  prefix: string,
  countMax: number,
): [string, unknown][] {
  const over: Writes = new Map();
  for (const layer of layers) {
    for (const [key, value] of layer) if (key.startsWith(prefix)) over.set(key, value);
  }
  const overKeys = [...over.keys()].sort();
  const merged: [string, unknown][] = [];
  let next = 0;
  const takeOverBelow = (bound: string | undefined): void => {
    for (; next < overKeys.length && merged.length < countMax; next++) {
      const key = overKeys[next] as string;
      if (bound !== undefined && key >= bound) return;
      const value = over.get(key);
      if (value !== undefined) merged.push([key, value]);
    }
  };
  for (const [key, value] of store.range(prefix)) {
    takeOverBelow(key);
    if (merged.length >= countMax) return merged;
    if (!over.has(key)) merged.push([key, value]);
    if (merged.length >= countMax) return merged;
  }
  takeOverBelow(undefined);
  return merged;
}

function timerKey(atMs: number, key: string): string {
  return `${timerPrefix}${String(atMs).padStart(timerDigits, '0')}/${key}`;
}

function timeOfTimer(stored: string): number {
  return Number.parseInt(stored.slice(timerPrefix.length, timerPrefix.length + timerDigits), 10);
}

function firstTimerMs(store: EntityReader): number | undefined {
  for (const [key] of store.range(timerPrefix)) return timeOfTimer(key);
  return undefined;
}
