import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { type Measure, measures, moneyMeasures } from '../projection/totals.js';
import type { Counts, Revenue, RevenueBy, Totals } from '../routes/api-types.js';
import { type AssetBook, moniesOf } from './asset-book.js';
import { groupBy } from './group-by.js';
import { monthsTold } from './path-months.js';
import { isoOf, type Period, roundOutward } from './period.js';

export interface RevenueRequest extends Period {
  readonly publisher: string;
  readonly by: RevenueBy;
  /** Crawlers and paths have a long tail: its largest rows; the total counts all of it. */
  readonly rowsMax: number;
}

const totalRowsMax = 100;
const seriesRowsMax = 100_000;

type MoneyMeasure = (typeof moneyMeasures)[number];
type SumRow = {
  readonly key: string;
  readonly asset: string;
  /** 1: the sum of all keys of this asset. */
  readonly is_total: 0 | 1;
} & Readonly<Record<Measure | `${MoneyMeasure}_amount`, string>>;

/** Counts and amounts of one publisher in a period, from the newest version of every roll-up. */
export async function readRevenue(
  { warehouse, assets }: { readonly warehouse: Warehouse; readonly assets: AssetBook },
  request: RevenueRequest,
): Promise<Revenue> {
  const { publisher, by } = request;
  const period = roundOutward(request, by === 'path' ? 'day' : 'hour');
  const months = by === 'path' ? await monthsTold(warehouse, period) : undefined;
  const { sql, parameters } = revenueQuery({ ...request, ...period }, months);
  const rows = await warehouse.query<SumRow>(sql, parameters);
  const total = totalsOf(
    assets,
    rows.filter(({ is_total }) => is_total === 1),
  );
  const parts = rows.filter(({ is_total }) => is_total === 0);
  const rowsByKey = by === 'status' ? statusRows(total) : rowsOf(assets, parts, by);
  return {
    ...{ publisher, from: isoOf(period.fromMs), to: isoOf(period.toMs), by, total },
    rows: rowsByKey.slice(0, request.rowsMax),
  };
}

/** A key for rows, where it is known; the figures of one publisher and month are one range. */
const keys: Readonly<Record<RevenueBy, string>> = {
  day: 'toString(toDate(hour))',
  hour: `formatDateTime(hour, '%Y-%m-%dT%H:00:00Z')`,
  crawler: 'crawler',
  path: 'path',
  dialect: 'dialect',
  // Only the total is asked for.
  status: `''`,
};

const names = [...measures, ...moneyMeasures.map((measure) => `${measure}_amount`)];
const sums = names.map((name) => `sum(${name}) AS ${name}`).join(', ');

/**
 * Rows and their total in one reading: the roll-ups are summed by key, and the few sums again.
 * Of a long tail only the largest rows leave the engine.
 */
export function revenueQuery(
  { publisher, by, fromMs, toMs, rowsMax }: RevenueRequest,
  months: Period | undefined,
) {
  const isSeries = by === 'day' || by === 'hour';
  const order = isSeries ? 'key' : 'charged_amount + lost_amount DESC, challenged DESC, key';
  const isWhole = months?.fromMs === fromMs && months.toMs === toMs;
  const parts = months === undefined ? 'days' : isWhole ? 'months' : 'both';
  const sql = `
    SELECT key, asset, toUInt8(grouping(key)) AS is_total, ${sums}
    FROM (${rollups(by, parts)})
    GROUP BY GROUPING SETS ((key, asset), (asset))
    ORDER BY is_total DESC, ${order} LIMIT {limit:UInt32}`;
  // Totals come first, one for each asset; the period bounds the rows of a series.
  const limit = isSeries ? seriesRowsMax : rowsMax + totalRowsMax;
  const bounds = { from: fromMs / 1000, to: toMs / 1000, limit };
  const inMonths = months && { monthsFrom: months.fromMs / 1000, monthsTo: months.toMs / 1000 };
  return { sql, parameters: { publisher, ...bounds, ...inMonths } };
}

/** Whole months come from their own totals where these are complete, the rest from the days. */
function rollups(by: RevenueBy, parts: 'days' | 'months' | 'both'): string {
  const inside = (bucket: string, bound: 'toDate' | 'toDateTime') =>
    `${bucket} >= ${bound}({from:UInt32}, 'UTC') AND ${bucket} < ${bound}({to:UInt32}, 'UTC')`;
  if (by !== 'path') return rollup('rollup_hour', keys[by], inside('hour', 'toDateTime'));
  const days = inside('day', 'toDate');
  if (parts === 'days') return rollup('rollup_path_day', keys.path, days);
  const inMonths = (bucket: string) =>
    `${bucket} >= toDate({monthsFrom:UInt32}, 'UTC')
     AND ${bucket} < toDate({monthsTo:UInt32}, 'UTC')`;
  const months = rollup('rollup_path_month', keys.path, inMonths('month'));
  if (parts === 'months') return months;
  return `${months}
    UNION ALL
    ${rollup('rollup_path_day', keys.path, `${days} AND NOT (${inMonths('day')})`)}`;
}

/** PREWHERE before FINAL is right here: all versions of a row agree in these columns. */
function rollup(table: string, key: string, where: string): string {
  return `SELECT ${key} AS key, asset, ${sums} FROM ${table} FINAL
    PREWHERE publisher = {publisher:String} AND ${where}
    GROUP BY key, asset`;
}

function rowsOf(assets: AssetBook, rows: readonly SumRow[], by: RevenueBy) {
  const byKey = groupBy(rows, ({ key }) => key);
  const groups = [...byKey].map(([key, ofKey]) => ({ key, totals: totalsOf(assets, ofKey) }));
  if (by === 'day' || by === 'hour') return groups.sort((a, b) => (a.key < b.key ? -1 : 1));
  const revenue = new Map(
    [...byKey].map(([key, ofKey]) => [key, ofKey.reduce((sum, row) => sum + chargedOf(row), 0n)]),
  );
  return groups.sort((a, b) => {
    const difference = (revenue.get(b.key) ?? 0n) - (revenue.get(a.key) ?? 0n);
    if (difference !== 0n) return difference > 0n ? 1 : -1;
    const byChallenges = b.totals.counts.challenges - a.totals.counts.challenges;
    return byChallenges !== 0 ? byChallenges : a.key < b.key ? -1 : 1;
  });
}

/** A loss was owed and lost in one transaction of the ledger: it counts as both, as there. */
function chargedOf(row: SumRow): bigint {
  return BigInt(row.charged_amount) + BigInt(row.lost_amount);
}

export function totalsOf(assets: AssetBook, rows: readonly SumRow[]): Totals {
  const sum = (measure: Measure) => rows.reduce((all, row) => all + Number(row[measure]), 0);
  const [charged, lost, uncollectible] = [sum('charged'), sum('lost'), sum('uncollectible')];
  const counts: Counts = {
    challenges: sum('challenged'),
    proofsRefused: sum('refused'),
    paymentsRejected: sum('rejected'),
    paymentsAccepted: sum('accepted'),
    delivered: charged + lost,
    notDelivered: sum('released'),
    charges: charged + lost,
    chargesSettled: sum('settled'),
    chargesUncollectible: uncollectible + lost,
  };
  const monies = (amount: (row: SumRow) => bigint) =>
    moniesOf(
      assets,
      rows.map((row) => [row.asset, amount(row)] as const),
    );
  return {
    counts,
    charged: monies(chargedOf),
    settled: monies((row) => BigInt(row.settled_amount)),
    uncollectible: monies((row) => BigInt(row.uncollectible_amount) + BigInt(row.lost_amount)),
  };
}

const noCounts: Counts = {
  challenges: 0,
  proofsRefused: 0,
  paymentsRejected: 0,
  paymentsAccepted: 0,
  delivered: 0,
  notDelivered: 0,
  charges: 0,
  chargesSettled: 0,
  chargesUncollectible: 0,
};

/** One row for each count of the total, with the amounts that belong to it. */
function statusRows({ counts, charged, settled, uncollectible }: Totals) {
  const none: Totals = { counts: noCounts, charged: [], settled: [], uncollectible: [] };
  const amounts: Partial<Record<keyof Counts, Partial<Totals>>> = {
    charges: { charged },
    chargesSettled: { settled },
    chargesUncollectible: { uncollectible },
  };
  return (Object.keys(counts) as (keyof Counts)[])
    .filter((key) => counts[key] > 0)
    .map((key) => {
      const only = { ...noCounts, [key]: counts[key] };
      return { key, totals: { ...none, counts: only, ...amounts[key] } };
    });
}
