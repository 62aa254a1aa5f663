import type { CrawlStatus } from '../routes/api-types.js';

/** One crawl in its newest state: a row of `crawls`, and an entity of the decisions fold. */
export interface Crawl {
  readonly id: string;
  readonly publisher: string;
  /** Log time when it was first seen; part of the row's key. */
  readonly atMs: number;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly crawler: string;
  readonly payer: string;
  readonly dialect: string;
  readonly status: CrawlStatus;
  readonly code: string;
  readonly asset: string;
  readonly amount: bigint;
  readonly challengeId: string;
  readonly chargeId: string;
  readonly batchId: string;
  readonly transaction: string;
  /** Log time when its batch took it in flight; undefined outside a batch. */
  readonly batchAtMs: number | undefined;
  /** Undefined while anything can still happen; else when its state may be forgotten. */
  readonly endsAtMs: number | undefined;
}

/**
 * How long the state of a crawl outlives its end: a released proof may be presented again and a
 * charged one is served again for ten minutes, and both belong to the same row.
 */
export const keptAfterEndMs = 15 * 60_000;

/** A rejection or a new hold never hides what was charged already. */
export function isBooked(crawl: Crawl): boolean {
  return ['charged', 'settled', 'uncollectible'].includes(crawl.status);
}

/** What tells its row from others, within a publisher: the same as the order key of the table. */
export function crawlKey({ atMs, id }: Crawl): string {
  return `${atMs}/${id}`;
}
