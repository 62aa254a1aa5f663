import type { Layers } from './layers.js';

/** Open timers are entities, in the order of (time, key). */
export interface Timers {
  set(key: string, atMs: number): void;
  clear(key: string, atMs: number): void;
  takeDue(nowMs: number, countMax: number): string[];
  /** A lower bound: a cleared timer may still count until due timers are taken. */
  earliestMs(): number | undefined;
  /** After writes were undone. */
  refresh(): void;
}

const prefix = '~t/';
const digits = 14;
/** A later time would break the order of the keys; so far away, nothing is ever due. */
const timeMsMax = 10 ** digits - 1;

export function createTimers(layers: Layers): Timers {
  let earliestMs: number | undefined;

  function refresh(): void {
    const first = layers.range(prefix, 1)[0];
    earliestMs = first === undefined ? undefined : timeOf(first[0]);
  }
  refresh();

  return {
    set(key, atMs) {
      const storedMs = clamp(atMs);
      layers.set(keyOf(storedMs, key), true);
      if (earliestMs === undefined || storedMs < earliestMs) earliestMs = storedMs;
    },
    clear: (key, atMs) => layers.set(keyOf(clamp(atMs), key), undefined),
    takeDue(nowMs, countMax) {
      const due: string[] = [];
      for (const [stored] of layers.range(prefix, countMax)) {
        if (timeOf(stored) > nowMs) break;
        layers.set(stored, undefined);
        due.push(stored.slice(prefix.length + digits + 1));
      }
      refresh();
      return due;
    },
    earliestMs: () => earliestMs,
    refresh,
  };
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
