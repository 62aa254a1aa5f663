import type { Revenue } from '../../api/answers.js';
import { inAsset } from '../../format/money.js';
import { daysBetween, formatDay, hoursBetween } from '../../format/time.js';

export interface ChartPoint {
  readonly key: string;
  readonly label: string;
  readonly charged: bigint;
  readonly challenges: number;
  readonly paid: number;
}

/** More bars than this are no chart any more; the newest stay. */
const pointsMax = 400;

/**
 * One point for each day or hour of the period: the API leaves empty ones out, and there an
 * absent row does mean that nothing happened, because the period is what the answer says it is.
 */
export function chartPointsOf(revenue: Revenue, asset: string): readonly ChartPoint[] {
  const isHourly = revenue.by === 'hour';
  const keys = isHourly
    ? hoursBetween(revenue.from, revenue.to)
    : daysBetween(revenue.from, revenue.to);
  const rows = new Map(revenue.rows.map((row) => [row.key, row.totals]));
  return keys.slice(-pointsMax).map((key) => {
    const totals = rows.get(key);
    return {
      key,
      label: isHourly ? key.slice(11, 16) : formatDay(key),
      charged: inAsset(totals?.charged ?? [], asset),
      challenges: totals?.counts.challenges ?? 0,
      paid: totals?.counts.charges ?? 0,
    };
  });
}

/** The assets that a period earned, the session's first one at least, in a fixed order. */
export function assetsIn(revenue: Revenue, known: readonly { readonly asset: string }[]) {
  const earned = revenue.total.charged.map(({ asset }) => asset);
  const order = [...known.map(({ asset }) => asset), ...earned];
  const shown = order.filter((asset, at) => order.indexOf(asset) === at && earned.includes(asset));
  const [first] = order;
  return shown.length > 0 || first === undefined ? shown : [first];
}
