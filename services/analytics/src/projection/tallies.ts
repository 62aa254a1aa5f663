import { sweptMsOf } from './ended.js';
import type { Moment, TotalOutput } from './output.js';
import type { ProjectionView } from './projection-fold.js';
import type { Sums } from './totals.js';

/** Absolute totals of one key as they stand, changed in place: most are changed again and again. */
export interface Tally extends Place {
  readonly counts: number[];
  readonly amounts: bigint[];
  /** Of the last record that changed it. */
  offset: number;
  nowMs: number;
  isChanged: boolean;
}

interface Place {
  readonly key: string;
  /** When its bucket ends; infinite: never. */
  readonly endMs: number;
  /** What state and warehouse are told of it. */
  readonly told: Tell;
}

export type Tell = (key: string, sums: Sums, at: Moment) => TotalOutput;

/** The totals of one partition that its last records changed, until they are settled. */
export interface Tallies {
  find(key: string): Tally | undefined;
  /** Begins with what the state holds. */
  open(place: Place, sums: Sums): Tally;
  /** One more by a record that is not undone any more. */
  add(
    view: ProjectionView,
    tally: Tally,
    count: number,
    money: number | undefined,
    by: bigint,
  ): void;
  /** Puts what changed into the state, and out. */
  settle(view: ProjectionView): void;
  /** What did not change is read from the state again. */
  forget(): void;
  /** Rises when some are forgotten: who holds on to tallies must find them again. */
  generation(): number;
}

/** Held beside the cache of the state. */
const talliesMax = 30_000;

export function createTallies(): Tallies {
  const tallies = new Map<string, Tally>();
  let changed: Tally[] = [];
  let generation = 0;
  const forget = (): void => {
    tallies.clear();
    for (const tally of changed) tallies.set(tally.key, tally);
    generation += 1;
  };
  return {
    find: (key) => tallies.get(key),
    open({ key, endMs, told }, sums) {
      const counts = sums.counts.slice();
      const amounts = sums.amounts.slice();
      const tally = { key, endMs, told, counts, amounts, offset: 0, nowMs: 0, isChanged: false };
      tallies.set(key, tally);
      return tally;
    },
    add({ offset, nowMs }, tally, count, money, by) {
      tally.counts[count] = (tally.counts[count] as number) + 1;
      if (money !== undefined) tally.amounts[money] = (tally.amounts[money] as bigint) + by;
      tally.offset = offset;
      tally.nowMs = nowMs;
      if (tally.isChanged) return;
      tally.isChanged = true;
      changed.push(tally);
    },
    settle(view) {
      if (changed.length === 0) return;
      const sweptMs = sweptMsOf(view);
      for (const tally of changed) settleOne(view, tally, sweptMs);
      changed = [];
      if (tallies.size > talliesMax) forget();
    },
    forget,
    generation: () => generation,
  };
}

function settleOne(view: ProjectionView, tally: Tally, sweptMs: number): void {
  const { key, endMs, told, offset, nowMs } = tally;
  // State and outputs are values that nobody changes.
  const sums = { counts: tally.counts.slice(), amounts: tally.amounts.slice() };
  const output = told(key, sums, { offset, nowMs });
  // A bucket that ended among these records has been looked for already.
  if (endMs <= sweptMs) view.delete(key);
  else view.set(key, output.total);
  view.emit(output);
  tally.isChanged = false;
}
