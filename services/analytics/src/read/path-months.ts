import { monthOf } from '../projection/totals.js';
import type { Period } from './period.js';

/**
 * The first month that `rollup_path_month` tells in full, as SQL: one value, known before rows are
 * read. The latest date there is when nobody wrote it down: then no month is read from there.
 */
export const firstPathMonth = `(
  SELECT if(count() = 0, toDate('2149-06-06'), max(month)) FROM path_months_begin)`;

/** The calendar months (UTC) that lie in the period altogether, as one period; or none. */
export function wholeMonths({ fromMs, toMs }: Period): Period | undefined {
  const first = monthOf(fromMs);
  const months = {
    fromMs: first.startMs === fromMs ? fromMs : first.endMs,
    toMs: monthOf(toMs).startMs,
  };
  return months.fromMs < months.toMs ? months : undefined;
}
