import type { Answer } from './answer.js';

/**
 * Where who brings such a header is stopped while there is no room, before more is read. A short
 * crowd waits here: the bytes of a request are all that it holds, and the collector meets nothing
 * of it. Who finds the line full, or stands in it for too long, is told to come back.
 */
export interface Door {
  /** Headers, in lower case, by which one knows who is meant. */
  readonly names: ReadonlySet<string>;
  /** For one more, where so many stand in line. */
  state(inLine: number): DoorState;
  /** Counts as refused whoever gets it. */
  refusal(): Answer;
  readonly waitMsMax: number;
}

export type DoorState = 'open' | 'line' | 'shut';

/** First come, first in. */
export interface DoorLine<Guest> {
  length(): number;
  stand(guest: Guest): void;
  /** The first one, if it has stood there since before, or whenever. */
  next(sinceBeforeMs?: number): Guest | undefined;
}

interface Standing<Guest> {
  readonly guest: Guest;
  readonly sinceMs: number;
}

/** The front of an array that is cut off now and then: the collector reads nothing of it. */
const cutAt = 1_024;

export function createDoorLine<Guest>(nowMs: () => number): DoorLine<Guest> {
  let line: (Standing<Guest> | undefined)[] = [];
  let first = 0;
  return {
    length: () => line.length - first,
    stand: (guest) => void line.push({ guest, sinceMs: nowMs() }),
    next(sinceBeforeMs = Number.POSITIVE_INFINITY) {
      const standing = line[first];
      if (standing === undefined || standing.sinceMs >= sinceBeforeMs) return undefined;
      line[first] = undefined;
      first += 1;
      if (first === line.length || first >= cutAt) {
        line = line.slice(first);
        first = 0;
      }
      return standing.guest;
    },
  };
}
