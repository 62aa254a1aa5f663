import type { Layers } from './layers.js';

/** Open timers are entities, in the order of (time, key). */
export interface Timers {
  set(key: string, atMs: number): void;
  clear(key: string, atMs: number): void;
  takeDue(nowMs: number, countMax: number): string[];
  earliestMs(): number | undefined;
}

const prefix = '~t/';
const digits = 14;
/** A later time would break the order of the keys; so far away, nothing is ever due. */
const timeMsMax = 10 ** digits - 1;

export function createTimers(layers: Layers): Timers {
  return {
    set: (key, atMs) => layers.set(timerEntry(atMs, key), true),
    clear: (key, atMs) => layers.set(timerEntry(atMs, key), undefined),
    takeDue(nowMs, countMax) {
      const stored = layers.range(prefix, countMax).map(([entry]) => entry);
      const later = stored.findIndex((entry) => timeOf(entry) > nowMs);
      const due = later < 0 ? stored : stored.slice(0, later);
      for (const entry of due) layers.set(entry, undefined);
      return due.map((entry) => entry.slice(prefix.length + digits + 1));
    },
    earliestMs() {
      const [first] = layers.range(prefix, 1);
      return first && timeOf(first[0]);
    },
  };
}

function clamp(atMs: number): number {
  return Math.min(Math.max(Math.ceil(atMs), 0), timeMsMax);
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
  return `${prefix}${String(clamp(atMs)).padStart(digits, '0')}/${key}`;
}
