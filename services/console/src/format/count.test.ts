import { expect, test } from 'vitest';
import { formatCount, formatShare, plural } from './count.js';

test('behavior: counts are grouped and keep their sign', () => {
  expect([0, 999, 31613, -1200].map(formatCount)).toEqual(['0', '999', '31,613', '\u22121,200']);
});

test('behavior: a share rounds down, so that 100 % means all of them', () => {
  expect(formatShare(999_999, 1_000_000)).toBe('99.9 %');
  expect(formatShare(7, 7)).toBe('100.0 %');
  expect(formatShare(1, 3)).toBe('33.3 %');
});

test('behavior: a share of nothing is no number', () => {
  expect(formatShare(0, 0)).toBe('–');
});

test('behavior: one is one', () => {
  expect(plural(1, 'crawl', 'crawls')).toBe('1 crawl');
  expect(plural(0, 'crawl', 'crawls')).toBe('0 crawls');
});
