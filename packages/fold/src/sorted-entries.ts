export type Entry = [key: string, value: unknown];

/**
 * Entries in key order in short runs: what comes into the middle moves the rest of its run, and
 * not of all. A line of charges is as long as settlement is slow.
 */
export interface SortedEntries {
  readonly size: number;
  /** Of the last entry. */
  lastKey(): string | undefined;
  first(countMax: number): Entry[];
  /** `undefined` deletes; true when there was such an entry. */
  put(key: string, value: unknown): boolean;
  /** Entries that follow all others, in their order. */
  append(entries: readonly Entry[]): void;
  /** Drops what comes last. */
  shorten(countMax: number): void;
}

/** Never empty. Keys alone are what a search looks at. */
interface Run {
  readonly keys: string[];
  readonly values: unknown[];
}

/** At least 2: a run that is too long becomes two. */
const runEntriesDefault = 512;

export function createSortedEntries(runEntriesMax = runEntriesDefault): SortedEntries {
  const runs: Run[] = [];
  /** Of each run. */
  const lastKeys: string[] = [];
  let size = 0;

  const set = (at: number, run: Run): void => setRun(runs, lastKeys, at, run);

  function add(at: number, place: number, [key, value]: Entry): void {
    const run = runs[at] ?? { keys: [], values: [] };
    const isLast = place === run.keys.length;
    insert(run.keys, place, key);
    insert(run.values, place, value);
    size += 1;
    if (isLast) set(at, run);
    if (run.keys.length <= runEntriesMax) return;
    // What comes in order fills its runs; anything else finds room in both halves.
    const kept = isLast && at === runs.length - 1 ? runEntriesMax : runEntriesMax >>> 1;
    const next = { keys: run.keys.splice(kept), values: run.values.splice(kept) };
    runs.splice(at + 1, 0, next);
    lastKeys.splice(at + 1, 0, lastKeys[at] as string);
    set(at, run);
  }

  function remove(at: number, place: number): void {
    const run = runs[at] as Run;
    takeOut(run.keys, place);
    takeOut(run.values, place);
    size -= 1;
    if (place === run.keys.length) set(at, run);
  }

  return {
    get size() {
      return size;
    },
    lastKey: () => lastKeys.at(-1),
    first: (countMax) => firstOf(runs, Math.min(countMax, size)),
    put(key, value) {
      const at = placeOf(lastKeys, key, lastKeys.length - 1);
      const { keys, values } = runs[at] ?? none;
      const place = placeOf(keys, key, keys.length);
      const isThere = keys[place] === key;
      if (value === undefined) {
        if (isThere) remove(at, place);
      } else if (isThere) values[place] = value;
      else add(at, place, [key, value]);
      return isThere;
    },
    append(entries) {
      for (let from = 0; from < entries.length; from += runEntriesMax) {
        set(runs.length, runOf(entries.slice(from, from + runEntriesMax)));
      }
      size += entries.length;
    },
    shorten(countMax) {
      while (size > countMax) {
        const at = runs.length - 1;
        const run = runs[at] as Run;
        const dropped = Math.min(size - countMax, run.keys.length);
        run.keys.length -= dropped;
        run.values.length -= dropped;
        size -= dropped;
        set(at, run);
      }
    },
  };
}

const none: Run = { keys: [], values: [] };

/** Puts the run in its place with its last key; an empty one is taken out. */
function setRun(runs: Run[], lastKeys: string[], at: number, run: Run): void {
  const lastKey = run.keys[run.keys.length - 1];
  if (lastKey === undefined) {
    runs.splice(at, 1);
    lastKeys.splice(at, 1);
  } else {
    runs[at] = run;
    lastKeys[at] = lastKey;
  }
}

function runOf(entries: readonly Entry[]): Run {
  return { keys: entries.map(([key]) => key), values: entries.map(([, value]) => value) };
}

function insert<Value>(list: Value[], place: number, value: Value): void {
  if (place === list.length) list.push(value);
  else list.splice(place, 0, value);
}

function takeOut(list: unknown[], place: number): void {
  if (place === 0) list.shift();
  else list.splice(place, 1);
}

function firstOf(runs: readonly Run[], count: number): Entry[] {
  const found: Entry[] = [];
  for (const { keys, values } of runs) {
    if (found.length >= count) break;
    const taken = Math.min(keys.length, count - found.length);
    for (let at = 0; at < taken; at += 1) found.push([keys[at] as string, values[at]]);
  }
  return found;
}

/** Where the key stands, or would stand: `behindAll` where it follows all. */
function placeOf(keys: readonly string[], key: string, behindAll: number): number {
  const last = keys[keys.length - 1];
  // Mostly what is new comes last.
  if (last === undefined || last < key) return Math.max(behindAll, 0);
  let low = 0;
  let high = keys.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
