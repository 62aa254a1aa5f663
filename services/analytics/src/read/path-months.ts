import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { monthOf } from '../projection/totals.js';
import type { Period } from './period.js';

/**
 * The first month that `rollup_path_month` tells in full, as SQL: one value, known before rows are
 * read. The latest date there is when nobody wrote it down: then no month is read from there.
 */
export const firstPathMonth = `(
  SELECT if(count() = 0, toDate('2149-06-06'), max(month)) FROM path_months_begin)`;

const firstMonths = new WeakMap<Warehouse, number>();

/**
 * The months of a period that are read from their own totals. The first one is asked for once: it
 * is written when the table is made, and as a part of the question it costs half as much again.
 */
export async function monthsTold(
  warehouse: Warehouse,
  period: Period,
): Promise<Period | undefined> {
  const months = wholeMonths(period);
  if (months === undefined) return undefined;
  const firstMs = firstMonths.get(warehouse) ?? (await readFirstMonth(warehouse));
  const fromMs = Math.max(months.fromMs, firstMs);
  return fromMs < months.toMs ? { fromMs, toMs: months.toMs } : undefined;
}

async function readFirstMonth(warehouse: Warehouse): Promise<number> {
  const rows = await warehouse.query<{ month: string }>(
    `SELECT toString(${firstPathMonth}) AS month`,
  );
  const firstMs = Date.parse(rows[0]?.month ?? '2149-06-06');
  firstMonths.set(warehouse, firstMs);
  return firstMs;
}

/** The calendar months (UTC) that lie in the period altogether, as one period; or none. */
export function wholeMonths({ fromMs, toMs }: Period): Period | undefined {
  const first = monthOf(fromMs);
  const months = {
    fromMs: first.startMs === fromMs ? fromMs : first.endMs,
    toMs: monthOf(toMs).startMs,
  };
  return months.fromMs < months.toMs ? months : undefined;
}
