import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BandFile } from './bench/check/bands.js';
import { bandsPath } from './bench/check/bands-path.js';
import { readFigures } from './figures.js';
import { keptFigures } from './plan/measurements.js';
import { performancePage } from './plan/page.js';

// Writes docs/performance.md from the runs that were kept.

const path = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
writeFileSync(path, performancePage(keptFigures(), readFigures<BandFile>(bandsPath)));
process.stdout.write('docs/performance.md\n');
