import { expect, test } from 'vitest';
import {
  addDays,
  daysBetween,
  formatClock,
  formatDay,
  formatDuration,
  formatElapsed,
  formatInstant,
  hoursBetween,
  isDay,
} from './time.js';

test('behavior: times are shown in UTC whatever zone they came in', () => {
  expect(formatInstant('2026-01-31T23:59:59.999Z')).toBe('31 Jan 2026, 23:59:59');
  expect(formatInstant('2026-02-01T01:30:00+02:00')).toBe('31 Jan 2026, 23:30:00');
  expect(formatClock('2026-01-31T23:59:59.007Z', true)).toBe('23:59:59.007');
  expect(formatDay('2026-03-09', true)).toBe('9 Mar 2026');
});

test('behavior: days are counted over the end of months and leap years', () => {
  expect(addDays('2026-02-28', 1)).toBe('2026-03-01');
  expect(addDays('2028-03-01', -1)).toBe('2028-02-29');
});

test('behavior: what is no day is told apart', () => {
  expect(['2026-01-31', '2026-02-31', '2026-13-01', '2026-1-1', '', 'today'].map(isDay)).toEqual([
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});

test('behavior: every day and hour of a period is listed, the end is out', () => {
  const days = daysBetween('2026-01-30T00:00:00.000Z', '2026-02-01T00:00:00.000Z');
  expect(days).toEqual(['2026-01-30', '2026-01-31']);
  const hours = hoursBetween('2026-01-31T22:00:00.000Z', '2026-02-01T00:30:00.000Z');
  expect(hours).toEqual(['2026-01-31T22:00:00Z', '2026-01-31T23:00:00Z', '2026-02-01T00:00:00Z']);
});

test('behavior: the time between events is told in the unit that fits', () => {
  expect([0, 412, 8_530, 200_000, 7_500_000, 90_000_000].map(formatDuration)).toEqual([
    '0 ms',
    '412 ms',
    '8.53 s',
    '3 min 20 s',
    '2 h 5 min',
    '1 d 1 h',
  ]);
});

test('behavior: an event before the one above it shows a negative time', () => {
  expect(formatElapsed('2026-01-31T00:00:00.010Z', '2026-01-31T00:00:00.000Z')).toBe('\u221210 ms');
});
