import { expect, test } from 'vitest';
import { type Band, bandOf, outOfBand, strayBands } from './bands.js';

const band: Band = { low: 0.4, min: 0.5, median: 0.55, max: 0.6, runs: 10 };
const toProfile = (name: string) => `the ${name}`;

test('behavior: the band of quiet runs ends a fifth below the worst of them', () => {
  expect(bandOf([0.5, 0.51, 0.52])).toEqual({
    low: 0.4,
    min: 0.5,
    median: 0.51,
    max: 0.52,
    runs: 3,
  });
});

test('behavior: the band of noisy runs is wider: three spreads below their median', () => {
  expect(bandOf([0.5, 0.55, 0.6]).low).toBeCloseTo(0.25);
  expect(bandOf([0.5, 0.53, 0.56]).low).toBeCloseTo(0.35);
});

test('behavior: however noisy, half of the worst run is out of the band', () => {
  const { low } = bandOf([0.2, 1, 2]);
  expect(low).toBe(0.1);
});

test('behavior: a ratio within or above its band is no finding', () => {
  expect(outOfBand([{ name: 'codec', ratio: 0.4 }], { codec: band }, toProfile)).toEqual([]);
  expect(outOfBand([{ name: 'codec', ratio: 5 }], { codec: band }, toProfile)).toEqual([]);
});

test('behavior: a ratio below its band is named with the band and what to profile', () => {
  const [said] = outOfBand([{ name: 'codec', ratio: 0.39 }], { codec: band }, toProfile);
  expect(said).toBe(
    'codec: 0.39 is below 0.4, the low end of its band; usually 0.55 (0.5 to 0.6 in 10 runs): ' +
      '29 % slower beside its limit. Profile: the codec',
  );
});

test('behavior: what cannot be measured as a number is below every band', () => {
  expect(
    outOfBand([{ name: 'codec', ratio: Number.NaN }], { codec: band }, toProfile),
  ).toHaveLength(1);
});

test('behavior: a ratio without a band and a band without a ratio are both told', () => {
  expect(outOfBand([{ name: 'new', ratio: 1 }], { codec: band }, toProfile)).toEqual([
    'new: it has no band yet; measure its noise first',
  ]);
  expect(strayBands([{ name: 'new', ratio: 1 }], { codec: band })).toEqual(['codec']);
});
