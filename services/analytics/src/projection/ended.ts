import { endingKey } from './bucket-keys.js';
import type { Crawl } from './crawl.js';
import type { ProjectionView } from './projection-fold.js';

/** How often ended state is looked for, in log time, and how much goes at once. */
const sweepEveryMs = 1000;
const sweepEntriesMax = 5000;
const sweptKey = 'm/swept';

/**
 * Forgets what has ended, a bounded number at a time: buckets (`h`, `d`, `n`, `p`, `q`) whose time
 * is over and crawls (`x` points at `c`) that nothing can happen to any more. The projection never
 * writes into the topics that it reads, so there are no timers: the next record does it.
 */
export function sweepEnded(view: ProjectionView): void {
  if (view.nowMs - sweptMsOf(view) < sweepEveryMs) return;
  view.set(sweptKey, view.nowMs);
  const { nowMs } = view;
  for (const prefix of ['h/', 'd/', 'n/', 'p/', 'q/']) {
    for (const key of endedKeys(view, prefix, nowMs)) view.delete(key);
  }
  for (const key of endedKeys(view, 'x/', nowMs)) {
    view.delete(key);
    forgetCrawl(view, key);
  }
}

/** Log time of the last time. */
export function sweptMsOf(view: ProjectionView): number {
  return view.get<number>(sweptKey) ?? 0;
}

function endedKeys(view: ProjectionView, prefix: string, nowMs: number): string[] {
  const bound = `${prefix}${endingKey(nowMs + 1)}`;
  const [first] = view.range(prefix, 1);
  if (first === undefined || first[0] >= bound) return [];
  return view
    .range(prefix, sweepEntriesMax)
    .map(([key]) => key)
    .filter((key) => key < bound);
}

/** The crawl may have come to life again since: then another entry speaks for it. */
function forgetCrawl(view: ProjectionView, key: string): void {
  const [, end = '', ...id] = key.split('/');
  const crawlKey = `c/${id.join('/')}`;
  const crawl = view.get<Crawl>(crawlKey);
  if (crawl?.endsAtMs !== undefined && endingKey(crawl.endsAtMs) === end) view.delete(crawlKey);
}
