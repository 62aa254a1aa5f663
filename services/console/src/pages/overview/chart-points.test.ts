import { expect, test } from 'vitest';
import { revenue as narrowRevenue } from '../../api/answers.js';
import * as Recorded from '../../recorded-answers.js';
import { assetsIn, chartPointsOf } from './chart-points.js';

const nowMs = Date.UTC(2026, 0, 12, 12, 30);
const { asset: usdc } = Recorded.dollars('0');
const daily = narrowRevenue(Recorded.revenue('gazette', 'day', '2026-01-01', nowMs), 'revenue');

test('behavior: a day that the API left out is a point of nothing', () => {
  const points = chartPointsOf(daily, usdc);
  expect(points).toHaveLength(12);
  expect(points[4]).toMatchObject({ key: '2026-01-05', label: '5 Jan', charged: 0n, paid: 0 });
  expect(points.filter(({ charged }) => charged > 0n)).toHaveLength(daily.rows.length);
});

test('behavior: the points add up to the total, to the last unit', () => {
  const sum = chartPointsOf(daily, usdc).reduce((total, { charged }) => total + charged, 0n);
  expect(sum.toString()).toBe(daily.total.charged[0]?.amount);
});

test('behavior: an hourly answer has hours', () => {
  const answer = Recorded.revenue('gazette', 'hour', '2026-01-12', nowMs);
  const points = chartPointsOf(narrowRevenue(answer, 'revenue'), usdc);
  expect([points[0]?.label, points.at(-1)?.label]).toEqual(['00:00', '12:00']);
});

test('behavior: only earned assets can be chosen, and an empty period has the first known', () => {
  const known = [{ asset: 'other' }, { asset: usdc }];
  expect(assetsIn(daily, known)).toEqual([usdc]);
  const quiet = narrowRevenue(Recorded.revenue('quiet', 'day', '2026-01-01', nowMs), 'revenue');
  expect(assetsIn(quiet, known)).toEqual(['other']);
});
