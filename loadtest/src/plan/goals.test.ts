import { expect, test } from 'vitest';
import type { BenchFigures } from '../bench-cli.js';
import type { LoadFigures } from '../driver/closed-loop.js';
import { goalRows, missedRows } from './goals.js';
import type { Kept } from './measurements.js';

const machine = { cpu: 'one', cores: 2, node: 'v20', measuredOn: '2026-01-01' };
const load = (ratePerS: number, failures = 0): LoadFigures => ({
  ...{ requests: 100, failures, seconds: 1, ratePerS, p50Ms: 1, p99Ms: 2, seen: {} },
});
const bench: BenchFigures = {
  ...{ machine, rows: [] },
  ratesPerS: { fastify: 50_000, recovery: 15_000 },
  loads: {
    'challenges-256': load(41_000),
    ...{ 'paid-1': load(300), 'paid-64': load(3_000), 'paid-1024': load(3_000, 2) },
    verify: load(5_000),
  },
  ratios: { 'challenges-256': 0.8, 'paid-64': 0.7, verify: 0.9 },
};
const steps = {
  machine,
  budget: {
    steps: [
      { name: 'ingress: a crawl', perCrawl: 1, us: 300 },
      { name: 'recovery of the signer', perCrawl: 1, us: 50, isPart: true },
      { name: 'decode', perCrawl: 2, us: 10, isPart: true },
      { name: 'settlement: signs', perCrawl: 1, us: 900 },
      { name: 'signing', perCrawl: 1, us: 900, isPart: true },
    ],
    sumUs: 300,
  },
  ...{ crawlBytes: 1, challengeBytes: 1, engineRowsPerCrawl: 1, engineBytesPerCrawl: 1 },
  ...{ engineRowsPerChallenge: 1, engineBytesPerChallenge: 1 },
  ...{ recordsPerCrawl: 6, limitUs: 500, challengeUs: 40, loadUs: 20 },
};
const kept: Kept = { bench, steps };
const rowOf = (rows: readonly (readonly string[])[], what: string) =>
  rows.find(([name]) => name?.split('; ').includes(what));

test('behavior: a goal is met or missed, as a floor and as a ceiling', () => {
  const rows = goalRows(kept);
  const challenges = 'challenges, 256 at once, each durable before it is answered';
  expect(rowOf(rows, challenges)).toEqual([
    ...[challenges, '≥ 40,000/s', '41,000/s', 'met', 'npm run bench'],
  ]);
  const failed = rowOf(rows, 'paid crawls that failed, at 1, 64 and 1,024 at once');
  expect(failed?.slice(1, 4)).toEqual(['≤ 0', '2', 'missed']);
  expect(rowOf(rows, 'records of a paid crawl')?.slice(1, 4)).toEqual(['≤ 6', '6', 'met']);
});

test('behavior: what the steps allow on all cores is a limit, and a fifth below it is a goal', () => {
  const what = 'paid crawls, to what their steps allow on these cores';
  expect(rowOf(goalRows(kept), what)?.slice(1, 4)).toEqual(['≥ 0.80', '0.75', 'missed']);
});

test('behavior: a missed goal names the piece that is its limit, by the kept runs', () => {
  const [, crawls] = rowOf(missedRows(kept), 'paid crawls, 64 at once') ?? [];
  expect(crawls).toContain('are 500 µs');
  expect(crawls).toContain('4,000/s on 2 cores');
  expect(crawls).toContain('ingress: recovery of the signer 50 µs; ingress: decode 20 µs.');
  expect(rowOf(missedRows(kept), 'facilitator /verify')?.[1]).toContain('67 µs are recovery');
  expect(rowOf(missedRows(kept), 'records of a paid crawl')).toBeUndefined();
});

test('behavior: what no kept run says is no row', () => {
  expect(goalRows({ bench: undefined, steps: undefined })).toEqual([]);
});
