import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { BandFile } from '../bench/check/bands.js';
import { bandsPath } from '../bench/check/bands-path.js';
import { readFigures } from '../figures.js';
import { keptFigures } from './measurements.js';
import { performancePage } from './page.js';

const bands = readFigures<BandFile>(bandsPath);

test('behavior: docs/performance.md says what the kept runs say (else: npm run bench:page)', () => {
  const page = readFileSync(new URL('../../../docs/performance.md', import.meta.url), 'utf8');
  expect(page).toBe(performancePage(keptFigures(), bands));
});

test('behavior: without a kept run the page says how to make one', () => {
  const page = performancePage({ steps: undefined, bench: undefined }, bands);
  expect(page).toContain('Not kept yet: `npm run bench -- --json loadtest/figures/bench.json`');
});
