import type { Fact } from './output.js';
import type { ProjectionView } from './projection-fold.js';

/** Everything that is counted, in the order of the columns of the roll-ups. */
export const measures = [
  'challenged',
  'refused',
  'rejected',
  'accepted',
  'charged',
  'released',
  'lost',
  'settled',
  'uncollectible',
] as const;
export type Measure = (typeof measures)[number];

/** The measures whose amounts are summed. */
export const moneyMeasures = ['charged', 'lost', 'settled', 'uncollectible'] as const;

/** Absolute totals of one key in one source partition; both lists in the order above. */
export interface Sums {
  readonly counts: readonly number[];
  readonly amounts: readonly bigint[];
}

export interface HourTotal extends Sums {
  readonly publisher: string;
  readonly hourMs: number;
  readonly crawler: string;
  readonly dialect: string;
  readonly asset: string;
}

export interface PathDayTotal extends Sums {
  readonly publisher: string;
  readonly dayMs: number;
  readonly path: string;
  readonly asset: string;
}

export interface PathMonthTotal extends Sums {
  readonly publisher: string;
  readonly monthMs: number;
  readonly path: string;
  readonly asset: string;
}

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/**
 * Distinct paths of one publisher, day and source partition that get a row of their own. A crawler
 * that makes paths up must not be able to fill the state; the rest is counted under `otherPaths`.
 */
export const pathsPerDayMax = 10_000;
/**
 * The same for a month. A bound of its own, because they are held for a month and answered in one
 * go: nine source partitions at the bound are as many rows as 2,000 paths on each day of a month.
 */
export const pathsPerMonthMax = 30_000;
export const otherPaths = '(other)';

/** Counts one fact: the fact itself and, when its event is folded, all totals that it is part of. */
export function count(view: ProjectionView, fact: Fact): void {
  view.emit({ table: 'facts', fact });
  view.countLater(fact);
}

interface Month {
  readonly startMs: number;
  readonly endMs: number;
}

let monthBefore: Month = { startMs: 0, endMs: 0 };

/** The calendar month in UTC. The last answer is remembered: facts come in the order of time. */
export function monthOf(atMs: number): Month {
  if (atMs >= monthBefore.startMs && atMs < monthBefore.endMs) return monthBefore;
  const at = new Date(atMs);
  const startOf = (month: number) => Date.UTC(at.getUTCFullYear(), month, 1);
  const month = at.getUTCMonth();
  monthBefore = { startMs: startOf(month), endMs: startOf(month + 1) };
  return monthBefore;
}
