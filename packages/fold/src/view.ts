import type { View } from './fold.js';
import { createLayers } from './layers.js';
import { createTimers } from './timers.js';

/** The durable side that a view reads through to. */
export interface EntityReader {
  get(key: string): unknown;
  /** Entries with the prefix in key order, of those after a key: from the next one on. */
  range(prefix: string, after?: string): Iterable<[key: string, value: unknown]>;
}

/** The last one of each key; `undefined` stands for a deleted entity. */
export type Writes = Iterable<readonly [key: string, value: unknown]>;

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

export interface WorkingOptions {
  readonly cacheEntriesMax?: number;
  /** See `Fold.settle`. */
  readonly isSettledLater?: boolean;
}

export function createWorking<Out>(
  store: EntityReader,
  { cacheEntriesMax = 50_000, isSettledLater = false }: WorkingOptions = {},
): Working<Out> {
  const layers = createLayers(store, cacheEntriesMax);
  const timers = createTimers(layers);
  let outputs: Out[] = [];
  let nowMs = 0;

  const view: View<Out> = {
    isSettledLater,
    get nowMs() {
      return nowMs;
    },
    get: <Value>(key: string) => layers.get(key) as Value | undefined,
    range: <Value>(prefix: string, countMax?: number) =>
      layers.range(prefix, countMax) as [string, Value][],
    set: (key, value) => layers.set(key, value),
    delete: (key) => layers.set(key, undefined),
    setTimer: timers.set,
    clearTimer: timers.clear,
    takeDueTimers: (countMax) => timers.takeDue(nowMs, countMax),
    emit: (output) => void outputs.push(output),
  };

  return {
    view,
    begin: (recordNowMs) => {
      nowMs = recordNowMs;
    },
    keep: () => {
      layers.keep();
      const kept = outputs;
      outputs = [];
      return kept;
    },
    undo: () => {
      layers.undo();
      outputs = [];
    },
    cut: layers.cut,
    cutStored: layers.cutStored,
    earliestTimerMs: timers.earliestMs,
  };
}
