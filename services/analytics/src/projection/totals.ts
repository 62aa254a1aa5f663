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
  const key = sinceEverKey(measure, asset);
  const before = view.get<LogTotal>(key) ?? { events: 0, amount: 0n };
  const sum = before.amount + amount;
  const total: LogTotal = { measure, asset, events: before.events + 1, amount: sum };
  view.set(key, total);
  view.emit({ table: 'log_totals', key, total });
}

const sinceEverKeys = new Map<string, Map<string, string>>();

function sinceEverKey(measure: Measure, asset: string): string {
  const ofMeasure = inner(sinceEverKeys, measure);
  const key = ofMeasure.get(asset) ?? `r/${measure}/${asset}`;
  if (ofMeasure.size < keysKeptMax) ofMeasure.set(asset, key);
  return key;
}

function countHour(view: ProjectionView, fact: Fact): void {
  const { publisher, crawler, dialect, asset } = fact;
  const startMs = view.nowMs - (view.nowMs % hourMs);
  const key = bucketKey('h', startMs + hourMs, publisher, crawler, dialect, asset);
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
  const keyOf = (of: string) => bucketKey(buckets.totals, endMs, publisher, of, asset);
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

/** A key of the state for what a bucket counts; the last one, as long as its time is the same. */
interface BucketKey {
  endMs: number;
  key: string;
  readonly hash: string;
}

type BucketKeys = Map<string, Map<string, Map<string, Map<string, BucketKey>>>>;

const keysKeptMax = 10_000;
const bucketKeys = new Map<string, { kept: number; readonly keys: BucketKeys }>();

/**
 * `prefix/<end, 14 digits>/<hash>`: in the order of their end, so that ended ones are found first.
 * Hashed, because crawlers choose paths and names and the store's keys are short ASCII. Remembered:
 * the same few are counted over and over, and what is the same string is found by its kept hash.
 */
function bucketKey(
  prefix: string,
  endMs: number,
  publisher: string,
  ...of: readonly string[]
): string {
  const [first = '', second = '', third = ''] = of;
  const known = bucketKeys.get(prefix) ?? { kept: 0, keys: new Map() };
  if (known.kept === 0) bucketKeys.set(prefix, known);
  const last = inner(inner(inner(known.keys, publisher), first), second);
  const found = last.get(third);
  if (found?.endMs === endMs) return found.key;
  const hash = found?.hash ?? hashOf([publisher, ...of].join('\n'));
  const key = `${prefix}/${endingKey(endMs)}/${hash}`;
  if (found !== undefined) {
    found.endMs = endMs;
    found.key = key;
    return key;
  }
  last.set(third, { endMs, key, hash });
  known.kept += 1;
  if (known.kept >= keysKeptMax) bucketKeys.delete(prefix);
  return key;
}

function inner<Value>(outer: Map<string, Map<string, Value>>, key: string): Map<string, Value> {
  const known = outer.get(key);
  if (known !== undefined) return known;
  const made = new Map<string, Value>();
  outer.set(key, made);
  return made;
}

function hashOf(identity: string): string {
  return createHash('sha256').update(identity).digest('base64url').slice(0, 24);
}

export function endingKey(endMs: number): string {
  return String(endMs).padStart(14, '0');
}
