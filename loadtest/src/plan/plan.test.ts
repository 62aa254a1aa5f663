import { expect, test } from 'vitest';
import { exactCost } from './gas.js';
import { type PlanMeasurements, planInputs } from './inputs.js';
import { planOf } from './plan.js';

const measured: PlanMeasurements = {
  challengesPerSPerCore: 20_000,
  crawlCpuUs: 500,
  admissionRecordsPerS: 100_000,
  crawlBytes: 5_000,
  challengeBytes: 500,
  engineBytesPerCrawl: 400,
  engineBytesPerChallenge: 50,
  engineRowsPerCrawl: 20,
  engineRowsPerChallenge: 4,
};

function planned(what: string, of: PlanMeasurements = measured): string | undefined {
  const rows = planOf(planInputs, of).flatMap((section) => section.rows);
  return rows.find((row) => row.what === what)?.value;
}

test('behavior: gas beside the price, worked out by hand', () => {
  // 55,000 gas × 0.01 gwei × $3,000 = 5.5e-7 of the asset = $0.00165, of $0.001.
  expect(exactCost(planInputs, 55_000)).toEqual({
    perCrawl: '$0.001650000',
    percentOfPrice: 165n,
    perDayMicros: 82_500_000_000n,
    breakEvenWeiPerGas: 6_060_606n,
  });
});

test('behavior: load, cores and partitions follow from the day, the peak and the benches', () => {
  expect(planned('paid crawls a second, mean and peak')).toBe('579 · 1,736');
  // 1,736 × 500 µs = 0.87 cores, half busy.
  expect(planned('cores for paid crawls, all services')).toBe('2, 1 instances');
  // 34,722 challenges ÷ 20,000 a core, half busy.
  expect(planned('cores for challenges')).toBe('4, 1 instances');
  // 1,736 × 4 records ÷ 50,000 × 4 to grow.
  expect(planned('payer partitions')).toBe('1');
});

test('behavior: storage is bytes by day and year', () => {
  // 5,000 B × 2 × 50 M × 3 replicas.
  expect(planned('log of payments, kept for ever')).toBe('1.5 TB a day, 547.5 TB a year');
  expect(planned('ClickHouse')).toBe('70.0 GB a day, 25.6 TB a year, one copy');
});

test('behavior: what no bench measured yet is said, never made up', () => {
  expect(planned('payer partitions', {})).toBe('(not measured yet)');
  expect(planned('ClickHouse', {})).toContain('(not measured yet)');
});
