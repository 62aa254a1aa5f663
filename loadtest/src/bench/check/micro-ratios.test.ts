import { expect, test } from 'vitest';
import { crawlLogOf } from '../steps/crawl-events.js';
import { createCrawlWorld } from '../steps/crawl-world.js';
import { bandOf, outOfBand } from './bands.js';
import { codecRatio, measureMicro } from './micro-ratios.js';

const nowMs = Date.UTC(2026, 0, 1);

test('behavior: work that takes four times as long leaves the band that was measured before', async () => {
  const ratios = [codecRatio(crawlLogOf(createCrawlWorld(nowMs), 100, nowMs))];
  const runs = [await measureMicro(ratios), await measureMicro(ratios), await measureMicro(ratios)];
  const bands = { codec: bandOf(runs.flat().map(({ ratio }) => ratio)) };
  expect(outOfBand(runs.flat(), bands, () => 'events')).toEqual([]);
  const slow = await measureMicro(ratios, { planted: { name: 'codec', times: 4 } });
  const found = outOfBand(slow, bands, () => 'packages/events/src/event.ts');
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(/^codec: .* Profile: packages\/events\/src\/event\.ts$/);
});
