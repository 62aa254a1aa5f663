import { describe, expect, it } from 'vitest';
import { type Look, picture, slopePerMinute } from './trend.js';

describe('slope', () => {
  it('behavior: what grows by the same each minute has that slope', () => {
    const looks = Array.from({ length: 30 }, (_, i): Look => [i / 6, 100 + i / 2]);
    expect(slopePerMinute(looks)).toBeCloseTo(3);
  });

  it('behavior: garbage that comes and goes is no growth', () => {
    const looks = Array.from({ length: 60 }, (_, i): Look => [i / 6, 100 + (i % 7) * 20]);
    expect(Math.abs(slopePerMinute(looks))).toBeLessThan(1.5);
  });

  it('behavior: one look that is far off moves nothing', () => {
    const looks = Array.from({ length: 30 }, (_, i): Look => [i / 6, i === 29 ? 10_000 : 100]);
    expect(slopePerMinute(looks)).toBe(0);
  });

  it('behavior: a single look says nothing of growth', () => {
    expect(slopePerMinute([[0, 5]])).toBe(0);
  });
});

describe('picture', () => {
  it('behavior: rises with the values, and is never longer than a line of a table', () => {
    expect(picture([0, 4, 8])).toBe('▁▅█');
    expect(picture(Array.from({ length: 1000 }, () => 1)).length).toBeLessThanOrEqual(40);
  });
});
