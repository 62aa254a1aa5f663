import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { recogniseCrawler } from './crawler.js';

interface Listed {
  readonly instances: readonly string[];
  readonly tags: readonly string[];
}

// The index must not lose what testing every pattern one by one would find.
test('behavior: every published example of every listed crawler is recognised', () => {
  const list: readonly Listed[] = createRequire(import.meta.url)('crawler-user-agents');
  const missed = list.flatMap(({ instances, tags }) =>
    instances.filter((userAgent) => {
      const { kind } = recogniseCrawler(userAgent);
      return kind === 'person' || (tags.includes('ai-crawler') && kind !== 'ai-agent');
    }),
  );
  expect(missed).toEqual([]);
  expect(list.length).toBeGreaterThan(1_000);
});
