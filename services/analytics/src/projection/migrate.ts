import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Crawl } from './crawl.js';

export type Entry = readonly [key: string, value: unknown];

/**
 * One entry of the projection of `decisions` on its way into a new generation (ADR 0007): crawls
 * go with their payer. Totals belong to their source partition and end with it.
 */
export function carryProjection(
  [key, value]: Entry,
  crawlOf: (key: string) => Crawl | undefined,
): { readonly payer: string; readonly entry: Entry } | undefined {
  const [prefix = '', , ...id] = key.split('/');
  switch (prefix) {
    case 'c':
      return { payer: (value as Crawl).payer, entry: [key, value] };
    case 'x': {
      const crawl = crawlOf(`c/${id.join('/')}`);
      return crawl && { payer: crawl.payer, entry: [key, value] };
    }
    case 'h':
    case 'd':
    case 'n':
    case 'p':
    case 'q':
    case 'r':
    case 'm':
    case '~a':
    case '~g':
      return undefined;
    default:
      throw fail('migration_state_unknown', `analytics: ${key}`);
  }
}
