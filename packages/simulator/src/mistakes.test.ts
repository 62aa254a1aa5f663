import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { catchMistake, seedsOf } from './mistake-table.js';
import { mistakeNames } from './mistakes/mistakes.js';
import { reportOf, simulate } from './simulate.js';

const page = fileURLToPath(new URL('../../../docs/simulator.md', import.meta.url));
const seeds = seedsOf(readFileSync(page, 'utf8'));
/** Where the code changed, histories change; the mistake is found all the same, by another seed. */
const otherSeedsMax = 2_000;

describe('planted', () => {
  it.each(mistakeNames)('behavior: %s is found', { timeout: 180_000 }, async (mistake) => {
    const seed = seeds.get(mistake);
    expect(seed, 'a seed in docs/simulator.md').toBeDefined();
    const first = await catchMistake(mistake, seed ?? 1, 1);
    if (first.seed !== undefined) return;
    const { seed: other, tried } = await catchMistake(mistake, 1, otherSeedsMax);
    expect(other, `not found with ${otherSeedsMax} seeds`).toBeDefined();
    console.log(`${mistake}: seed ${other} after ${tried}; renew the table (simulate --mistakes)`);
  });
});

describe('without a mistake', () => {
  it.each([...new Set(seeds.values())])('behavior: seed %i finds nothing', async (seed) => {
    const history = await simulate(seed);
    expect(history.findings, reportOf(history)).toEqual([]);
  });
});

it('property: a seed is one exact history', async () => {
  const [once, again] = [await simulate(17), await simulate(17)];
  expect(again.journal()).toEqual(once.journal());
  expect(again.events).toBe(once.events);
});
