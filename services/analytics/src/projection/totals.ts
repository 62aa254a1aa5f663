import { createHash } from 'node:crypto';
import { checked } from './assets.js';
import type { Fact, LogTotal } from './output.js';
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

const noSums: Sums = { counts: measures.map(() => 0), amounts: moneyMeasures.map(() => 0n) };

/**
 * Counts one fact: the fact itself and the new totals of its hour and of its path by day and month.
 * The bucket is the fold's now, which never goes back: a bucket that has ended is final.
 */
export function count(view: ProjectionView, fact: Fact): void {
  view.emit({ table: 'facts', fact });
  countHour(view, fact);
  countPathDay(view, fact);
  countPathMonth(view, fact);
  countSinceEver(view, fact);
}

function countSinceEver(view: ProjectionView, { measure, asset, amount }: Fact): void {
  const key = `r/${measure}/${asset}`;
  const before = view.get<LogTotal>(key) ?? { events: 0, amount: 0n };
  const sum = before.amount + amount;
  const total: LogTotal = { measure, asset, events: before.events + 1, amount: sum };
  view.set(key, total);
  view.emit({ table: 'log_totals', key, total });
}

function countHour(view: ProjectionView, fact: Fact): void {
  const { publisher, crawler, dialect, asset } = fact;
  const startMs = view.nowMs - (view.nowMs % hourMs);
  const key = bucketKey('h', startMs + hourMs, `${publisher}\n${crawler}\n${dialect}\n${asset}`);
  const before = view.get<HourTotal>(key);
  const { counts, amounts } = add(before ?? noSums, fact);
  const total: HourTotal = {
    publisher,
    hourMs: startMs,
    crawler,
    dialect,
    asset,
    counts,
    amounts,
  };
  view.set(key, total);
  view.emit({ table: 'rollup_hour', key, total });
}

function countPathDay(view: ProjectionView, fact: Fact): void {
  const { publisher, asset } = fact;
  const startMs = view.nowMs - (view.nowMs % dayMs);
  const { key, path, sums } = pathBucket(view, fact, dayPaths, startMs + dayMs);
  const { counts, amounts } = add(sums, fact);
  const total: PathDayTotal = { publisher, dayMs: startMs, path, asset, counts, amounts };
  view.set(key, total);
  view.emit({ table: 'rollup_path_day', key, total });
}

function countPathMonth(view: ProjectionView, fact: Fact): void {
  const { publisher, asset } = fact;
  const { startMs, endMs } = monthOf(view.nowMs);
  const { key, path, sums } = pathBucket(view, fact, monthPaths, endMs);
  const { counts, amounts } = add(sums, fact);
  const total: PathMonthTotal = { publisher, monthMs: startMs, path, asset, counts, amounts };
  view.set(key, total);
  view.emit({ table: 'rollup_path_month', key, total });
}

/** Prefixes of totals and of the number of paths in them, and its bound. */
interface PathBuckets {
  readonly totals: string;
  readonly paths: string;
  readonly pathsMax: number;
}

const dayPaths: PathBuckets = { totals: 'd', paths: 'n', pathsMax: pathsPerDayMax };
const monthPaths: PathBuckets = { totals: 'p', paths: 'q', pathsMax: pathsPerMonthMax };

/** Where a fact counts: under its path, or with the others once there are too many. */
function pathBucket(
  view: ProjectionView,
  { publisher, path, asset }: Fact,
  buckets: PathBuckets,
  endMs: number,
): { readonly key: string; readonly path: string; readonly sums: Sums } {
  const keyOf = (of: string) => bucketKey(buckets.totals, endMs, `${publisher}\n${of}\n${asset}`);
  const key = keyOf(path);
  const known = view.get<Sums>(key);
  if (known !== undefined) return { key, path, sums: known };
  if (admitPath(view, bucketKey(buckets.paths, endMs, publisher), buckets.pathsMax)) {
    return { key, path, sums: noSums };
  }
  const otherKey = keyOf(otherPaths);
  return { key: otherKey, path: otherPaths, sums: view.get<Sums>(otherKey) ?? noSums };
}

function admitPath(view: ProjectionView, key: string, pathsMax: number): boolean {
  const paths = view.get<number>(key) ?? 0;
  if (paths >= pathsMax) return false;
  view.set(key, paths + 1);
  return true;
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

function add(sums: Sums, { measure, amount }: Fact): Sums {
  const counts = [...sums.counts];
  const countIndex = measures.indexOf(measure);
  counts[countIndex] = (counts[countIndex] as number) + 1;
  const amountIndex = (moneyMeasures as readonly string[]).indexOf(measure);
  if (amountIndex < 0) return { counts, amounts: sums.amounts };
  const amounts = [...sums.amounts];
  amounts[amountIndex] = checked((amounts[amountIndex] as bigint) + amount);
  return { counts, amounts };
}

/**
 * `prefix/<end, 14 digits>/<hash>`: in the order of their end, so that ended ones are found first.
 * Hashed, because crawlers choose paths and names and the store's keys are short ASCII.
 */
function bucketKey(prefix: string, endMs: number, identity: string): string {
  return `${prefix}/${endingKey(endMs)}/${hashOf(identity)}`;
}

const hashesKeptMax = 10_000;
const hashes = new Map<string, string>();

/** Remembered: the same few keys are counted over and over. */
function hashOf(identity: string): string {
  const known = hashes.get(identity);
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(identity).digest('base64url').slice(0, 24);
  if (hashes.size >= hashesKeptMax) hashes.clear();
  hashes.set(identity, hash);
  return hash;
}

export function endingKey(endMs: number): string {
  return String(endMs).padStart(14, '0');
}
