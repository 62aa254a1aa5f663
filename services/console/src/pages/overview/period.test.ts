import { expect, test } from 'vitest';
import { paramsOf, periodOf, periodTitle } from './period.js';

const nowMs = Date.UTC(2026, 0, 31, 12);
const read = (query: string) => periodOf(new URLSearchParams(query), nowMs);

test('behavior: without a choice it is the last 30 days, today included', () => {
  expect(read('')).toMatchObject({ preset: '30d', first: '2026-01-02', last: '2026-01-31' });
  expect(read('').period).toEqual({ from: '2026-01-02' });
});

test('behavior: today is cut in hours', () => {
  expect(read('range=today')).toMatchObject({ isHourly: true, period: { from: '2026-01-31' } });
});

test('behavior: chosen dates ask for the day after the last, because `to` is out', () => {
  expect(read('from=2025-12-30&to=2026-01-02').period).toEqual({
    from: '2025-12-30',
    to: '2026-01-03',
  });
});

test('behavior: dates that reach until today reach until now', () => {
  expect(read('from=2026-01-30&to=2026-01-31').period).toEqual({ from: '2026-01-30' });
});

test('behavior: what is no period in the address becomes the default', () => {
  for (const query of ['range=1y', 'from=2026-01-09&to=2026-01-02', 'from=x&to=y']) {
    expect(read(query).preset).toBe('30d');
  }
});

test('behavior: the address that a choice makes reads back as the choice', () => {
  expect(periodOf(paramsOf('7d'), nowMs).preset).toBe('7d');
  expect(paramsOf('30d').size).toBe(0);
});

test('behavior: the title names the year once where one is enough', () => {
  expect(periodTitle(read(''))).toBe('2 Jan – 31 Jan 2026');
  expect(periodTitle(read('from=2025-12-30&to=2026-01-02'))).toBe('30 Dec 2025 – 2 Jan 2026');
});
