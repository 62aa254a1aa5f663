import { encodeHead, type Head, headKey } from './layout.js';
import { readHead } from './segment.js';
import { activeSegment, advance, dropExpired, type TopicStore } from './topic-store.js';
import { transact } from './transact.js';

/**
 * Expires whole segments whose newest record is older than the retention. `advanceFirst` makes the
 * new lowest segment known to all processes before any folder goes.
 */
export async function expireTopic(
  store: TopicStore,
  advanceFirst: (firstSegmentId: number) => Promise<void>,
): Promise<void> {
  const { retentionMs } = store.config;
  if (retentionMs !== 'forever') {
    const expiredBeforeMs = store.settings.clock() - retentionMs;
    await sealExpiredActive(store, expiredBeforeMs);
    advance(store);
    const first = firstKept(store, expiredBeforeMs);
    if (first > store.firstSegmentId()) await advanceFirst(first);
  }
  await dropExpired(store);
}

function firstKept(store: TopicStore, expiredBeforeMs: number): number {
  for (const segment of store.segments) {
    const head = readHead(segment);
    if (!head.sealed || newestMs(head) >= expiredBeforeMs) return segment.id;
  }
  return activeSegment(store).id;
}

/** Quiet topics expire too: a segment that nobody writes any more is sealed when all of it is old. */
async function sealExpiredActive(store: TopicStore, expiredBeforeMs: number): Promise<void> {
  const { db } = activeSegment(store);
  const isExpired = (head: Head) =>
    !head.sealed && head.bytes > 0 && newestMs(head) < expiredBeforeMs;
  if (!isExpired(readHead(activeSegment(store)))) return;
  await transact(db, () => {
    const head = readHead(activeSegment(store));
    if (!isExpired(head)) return;
    head.sealed = true;
    db.put(headKey, encodeHead(head));
  });
}

function newestMs(head: Head): number {
  return Math.max(...head.lastMs);
}
