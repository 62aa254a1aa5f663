import type { Layers } from './layers.js';

/** Open timers are entities, in the order of (time, key). */
export interface Timers {
  set(key: string, atMs: number): void;
  clear(key: string, atMs: number): void;
  takeDue(nowMs: number, countMax: number): string[];
  earliestMs(): number | undefined;
  /** After writes were undone. */
  refresh(): void;
}

const prefix = '~t/';
const digits = 14;
/** A later time would break the order of the keys; so far away, nothing is ever due. */
const timeMsMax = 10 ** digits - 1;
/** Looking for the next ones costs as much as all that was written since the last checkpoint. */
const soonestLoaded = 1_000;
const soonestMax = 2 * soonestLoaded;

export function createTimers(layers: Layers): Timers {
  /** The first of all timers in order, so that a look at the time asks neither layers nor store. */
  let soonest: string[] = [];
  /** Up to this key `soonest` has all of them; undefined: it has all there are. */
  let horizon: string | undefined;

  function load(): void {
    soonest = layers.range(prefix, soonestLoaded).map(([stored]) => stored);
    horizon = soonest.length < soonestLoaded ? undefined : soonest.at(-1);
  }
  const isKnown = (stored: string): boolean => horizon === undefined || stored <= horizon;
  const loadNext = (): void => {
    if (soonest.length === 0 && horizon !== undefined) load();
  };
  load();

  return {
    set(key, atMs) {
      const stored = keyOf(clamp(atMs), key);
      layers.set(stored, true);
      if (!isKnown(stored)) return;
      const place = placeOf(soonest, stored);
      if (soonest[place] !== stored) soonest.splice(place, 0, stored);
      if (soonest.length <= soonestMax) return;
      soonest.length = soonestLoaded;
      horizon = soonest.at(-1);
    },
    clear(key, atMs) {
      const stored = keyOf(clamp(atMs), key);
      layers.set(stored, undefined);
      const place = placeOf(soonest, stored);
      if (soonest[place] === stored) soonest.splice(place, 1);
    },
    takeDue(nowMs, countMax) {
      const due: string[] = [];
      for (;;) {
        loadNext();
        const left = countMax - due.length;
        const dueCount = soonest.slice(0, left).findIndex((stored) => timeOf(stored) > nowMs);
        const taken = soonest.splice(0, dueCount < 0 ? left : dueCount);
        if (taken.length === 0) return due;
        for (const stored of taken) {
          layers.set(stored, undefined);
          due.push(stored.slice(prefix.length + digits + 1));
        }
      }
    },
    earliestMs() {
      loadNext();
      const [first] = soonest;
      return first === undefined ? undefined : timeOf(first);
    },
    refresh: load,
  };
}

/** Where it stands in the order, or would stand. */
function placeOf(sorted: readonly string[], stored: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < stored) low = middle + 1;
    else high = middle;
  }
  return low;
}

function clamp(atMs: number): number {
  return Math.min(Math.max(Math.ceil(atMs), 0), timeMsMax);
}

function keyOf(atMs: number, key: string): string {
  return `${prefix}${String(atMs).padStart(digits, '0')}/${key}`;
}

function timeOf(stored: string): number {
  return Number.parseInt(stored.slice(prefix.length, prefix.length + digits), 10);
}

/** The time and the woken key of a stored timer; undefined for any other key. */
export function readTimer(stored: string): { atMs: number; key: string } | undefined {
  if (!stored.startsWith(prefix)) return undefined;
  return { atMs: timeOf(stored), key: stored.slice(prefix.length + digits + 1) };
}

/** How a timer stands among the entries of a state. */
export function timerEntry(atMs: number, key: string): string {
  return keyOf(clamp(atMs), key);
}
