import { expect, test } from 'vitest';
import { budgetOf, rowsOf } from './budget.js';
import { type StepsOf, stepsUs, wholeBudget } from './whole-budget.js';

const none = { verifier: [], metering: [], settlement: [], analytics: [] };
const steps: StepsOf = {
  ...none,
  ingress: [
    { name: 'proof', perCrawl: 1, us: 80 },
    { name: 'recovery', perCrawl: 1, us: 60, isPart: true },
    { name: 'encode', perCrawl: 2, us: 5 },
  ],
};

const costs = [{ service: 'ingress' as const, us: 150, helpersUs: 30, pausesUs: 10 }];

test('behavior: a service counts once, its steps are parts of it and the rest of it is named', () => {
  const budget = budgetOf(wholeBudget(steps, costs), 200);
  expect([budget.sumUs, budget.restUs]).toEqual([150, 50]);
  const rows = rowsOf(budget).map(([name, , , us]) => [name?.trim(), us]);
  expect(rows.slice(0, 7)).toEqual([
    ['ingress: a paid crawl from request to answer', '150.0'],
    ['of it: on its other threads: collector, compilers, commits of the log', '(30.0)'],
    ['of it: pauses of its JavaScript for the collector', '(10.0)'],
    ['of it: proof', '(80.0)'],
    ['of it: recovery', '(60.0)'],
    ['of it: encode', '(10.0)'],
    [
      'of it: sockets and HTTP of a real client and site, gates, promises, timers, garbage',
      '(60.0)',
    ],
  ]);
});

test('behavior: without costs of services the steps stand alone', () => {
  expect(budgetOf(wholeBudget(steps, [])).sumUs).toBe(90);
});

test('behavior: the steps themselves, settlement not among them, are the least that a crawl costs', () => {
  const settlement = [{ name: 'signing', perCrawl: 1, us: 300 }];
  const metering = [{ name: 'fold', perCrawl: 2, us: 3 }];
  expect(stepsUs({ ...steps, metering, settlement })).toBe(96);
});
