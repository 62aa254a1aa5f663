import { expect, test } from 'vitest';
import { budgetOf, rowsOf, type Step } from './budget.js';
import { median } from './cpu-per-call.js';

const steps: readonly Step[] = [
  { name: 'proof', perCrawl: 1, us: 80 },
  { name: 'recovery', perCrawl: 1, us: 65, isPart: true },
  { name: 'encode', perCrawl: 2, us: 3 },
  { name: 'block', perCrawl: 0.001, us: 5_000 },
];

test('behavior: a part of a step is shown and not counted again', () => {
  expect(budgetOf(steps).sumUs).toBeCloseTo(80 + 6 + 5);
  expect(rowsOf(budgetOf(steps))[1]).toEqual(['  of it: recovery', '1', '65.00', '(65.0)']);
});

test('behavior: what no step explains is named, with its share', () => {
  const budget = budgetOf(steps, 182);
  expect(budget.restUs).toBeCloseTo(91);
  expect(rowsOf(budget).at(-1)).toEqual(['not explained by a step: 50 %', '', '', '91.0']);
});

test('behavior: without a figure from end to end the table ends with the sum', () => {
  expect(rowsOf(budgetOf(steps)).at(-1)?.[0]).toBe('sum of the steps');
});

test('behavior: the median of an even count lies between the two in the middle', () => {
  expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5]);
});
