import { expect, it } from 'vitest';
import { reportOf, seedMax, simulate } from './simulate.js';

/** Fresh seeds in every run; enough to notice what broke, few enough for a busy machine. */
const seedsPerTest = 10;
const tests = 4;

it.each(Array.from({ length: tests }, (_, part) => part))(
  'property: fresh histories find nothing (%i)',
  { timeout: 180_000 },
  async () => {
    const first = Math.floor(Math.random() * seedMax);
    console.log(`seeds ${first} to ${first + seedsPerTest - 1}`);
    for (let seed = first; seed < first + seedsPerTest; seed++) {
      const history = await simulate(seed);
      expect(history.findings, reportOf(history)).toEqual([]);
    }
  },
);
