import { checked } from './assets.js';
import { bucketKey, inner } from './bucket-keys.js';
import type { Fact, LogTotal, Moment, TotalOutput } from './output.js';
import type { ProjectionView } from './projection-fold.js';
import type { Tallies, Tally, Tell } from './tallies.js';
import {
  dayMs,
  hourMs,
  type Measure,
  measures,
  moneyMeasures,
  monthOf,
  otherPaths,
  pathsPerDayMax,
  pathsPerMonthMax,
  type Sums,
} from './totals.js';

/** Where facts of one publisher, path, asset, crawler and dialect are counted. */
interface Places {
  hour: Tally;
  day: Tally;
  month: Tally;
  /** By measure. */
  readonly ever: (Tally | undefined)[];
}

type ByCrawler = Map<string, Map<string, Places>>;

/** How facts of one partition find their totals: the same few again and again. */
export interface FactTotals {
  /** All or nothing: adds a fact to its hour, to its path by day and month, and to its measure. */
  add(view: ProjectionView, fact: Fact): void;
}

const placesMax = 10_000;

export function createFactTotals(tallies: Tallies): FactTotals {
  const byPublisher = new Map<string, Map<string, Map<string, ByCrawler>>>();
  let generation = tallies.generation();
  let count = 0;

  function placesOf(view: ProjectionView, fact: Fact): Places {
    if (count > placesMax || generation !== tallies.generation()) {
      byPublisher.clear();
      generation = tallies.generation();
      count = 0;
    }
    const { publisher, path, asset, crawler, dialect } = fact;
    const last = inner(inner(inner(inner(byPublisher, publisher), path), asset), crawler);
    const known = last.get(dialect);
    if (known !== undefined) return renewed(view, tallies, fact, known);
    const places = {
      hour: hourTally(view, tallies, fact),
      day: dayTally(view, tallies, fact),
      month: monthTally(view, tallies, fact),
      ever: [],
    };
    last.set(dialect, places);
    count += 1;
    return places;
  }

  return {
    add(view, fact) {
      const { hour, day, month, ever } = placesOf(view, fact);
      const { measure, amount } = fact;
      const index = measureIndex[measure];
      const money = moneyIndex[measure];
      if (money !== undefined) checkSums(tallies, [hour, day, month], money, amount);
      const total = ever[index] ?? everTally(view, tallies, fact);
      ever[index] = total;
      tallies.add(view, hour, index, money, amount);
      tallies.add(view, day, index, money, amount);
      tallies.add(view, month, index, money, amount);
      tallies.add(view, total, 0, 0, amount);
    },
  };
}

const measureIndex = indicesOf(measures);
const moneyIndex: Partial<Record<Measure, number>> = indicesOf(moneyMeasures);

function indicesOf<Name extends string>(names: readonly Name[]): Readonly<Record<Name, number>> {
  return Object.fromEntries(names.map((name, index) => [name, index])) as Record<Name, number>;
}

/** Buckets of now, which never goes back: one that has ended is final. */
function renewed(view: ProjectionView, tallies: Tallies, fact: Fact, places: Places): Places {
  const { nowMs } = view;
  if (places.hour.endMs <= nowMs) places.hour = hourTally(view, tallies, fact);
  if (places.day.endMs <= nowMs) places.day = dayTally(view, tallies, fact);
  if (places.month.endMs <= nowMs) places.month = monthTally(view, tallies, fact);
  return places;
}

function checkSums(tallies: Tallies, of: readonly Tally[], money: number, amount: bigint): void {
  try {
    for (const { amounts } of of) checked((amounts[money] as bigint) + amount);
  } catch (error) {
    // The record is undone, and with it that its path has a place among the others.
    tallies.forget();
    throw error;
  }
}

const noSums: Sums = { counts: measures.map(() => 0), amounts: moneyMeasures.map(() => 0n) };

function hourTally(view: ProjectionView, tallies: Tallies, fact: Fact): Tally {
  const { publisher, crawler, dialect, asset } = fact;
  const startMs = view.nowMs - (view.nowMs % hourMs);
  const endMs = startMs + hourMs;
  const key = bucketKey('h', endMs, publisher, crawler, dialect, asset);
  const told = (key: string, { counts, amounts }: Sums, at: Moment): TotalOutput => {
    const total = { publisher, hourMs: startMs, crawler, dialect, asset, counts, amounts };
    return { table: 'rollup_hour', key, total, at };
  };
  return tallies.find(key) ?? tallies.open({ key, endMs, told }, view.get<Sums>(key) ?? noSums);
}

function dayTally(view: ProjectionView, tallies: Tallies, fact: Fact): Tally {
  const { publisher, asset } = fact;
  const startMs = view.nowMs - (view.nowMs % dayMs);
  const tell =
    (path: string): Tell =>
    (key, { counts, amounts }, at) => {
      const total = { publisher, dayMs: startMs, path, asset, counts, amounts };
      return { table: 'rollup_path_day', key, total, at };
    };
  return pathTally(view, tallies, fact, { ...dayPaths, endMs: startMs + dayMs, tell });
}

function monthTally(view: ProjectionView, tallies: Tallies, fact: Fact): Tally {
  const { publisher, asset } = fact;
  const { startMs, endMs } = monthOf(view.nowMs);
  const tell =
    (path: string): Tell =>
    (key, { counts, amounts }, at) => {
      const total = { publisher, monthMs: startMs, path, asset, counts, amounts };
      return { table: 'rollup_path_month', key, total, at };
    };
  return pathTally(view, tallies, fact, { ...monthPaths, endMs, tell });
}

const dayPaths = { totals: 'd', paths: 'n', pathsMax: pathsPerDayMax };
const monthPaths = { totals: 'p', paths: 'q', pathsMax: pathsPerMonthMax };

interface PathBuckets {
  /** Prefixes of totals and of the number of paths in them, and its bound. */
  readonly totals: string;
  readonly paths: string;
  readonly pathsMax: number;
  readonly endMs: number;
  tell(path: string): Tell;
}

/** Where a fact counts: under its path, or with the others once there are too many. */
function pathTally(
  view: ProjectionView,
  tallies: Tallies,
  { publisher, path, asset }: Fact,
  { totals, paths, pathsMax, endMs, tell }: PathBuckets,
): Tally {
  const keyOf = (of: string) => bucketKey(totals, endMs, publisher, of, asset);
  const opened = (key: string, of: string, sums: Sums) =>
    tallies.open({ key, endMs, told: tell(of) }, sums);
  const key = keyOf(path);
  const found = tallies.find(key);
  if (found !== undefined) return found;
  const known = view.get<Sums>(key);
  if (known !== undefined) return opened(key, path, known);
  if (admitPath(view, bucketKey(paths, endMs, publisher), pathsMax)) {
    return opened(key, path, noSums);
  }
  const otherKey = keyOf(otherPaths);
  const other = tallies.find(otherKey);
  return other ?? opened(otherKey, otherPaths, view.get<Sums>(otherKey) ?? noSums);
}

function admitPath(view: ProjectionView, key: string, pathsMax: number): boolean {
  const paths = view.get<number>(key) ?? 0;
  if (paths >= pathsMax) return false;
  view.set(key, paths + 1);
  return true;
}

function everTally(view: ProjectionView, tallies: Tallies, { measure, asset }: Fact): Tally {
  const key = `r/${measure}/${asset}`;
  const told = (key: string, { counts, amounts }: Sums, at: Moment): TotalOutput => {
    const [events = 0] = counts;
    const [amount = 0n] = amounts;
    return { table: 'log_totals', key, total: { measure, asset, events, amount }, at };
  };
  const found = tallies.find(key);
  if (found !== undefined) return found;
  const { events, amount } = view.get<LogTotal>(key) ?? { events: 0, amount: 0n };
  const sums = { counts: [events], amounts: [amount] };
  return tallies.open({ key, endMs: Number.POSITIVE_INFINITY, told }, sums);
}
