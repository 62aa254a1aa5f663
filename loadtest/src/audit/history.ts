import { createHash } from 'node:crypto';
import type { LogRecord } from '@paycrawl/event-log/event-log';
import { type Cause, isApplied } from '@paycrawl/events/envelope';
import { type AnyEvent, decodeEvent } from '@paycrawl/events/event';
import type { Report } from './finding.js';

/** A record as a consumer sees it: read, and the only one with its cause. */
export interface Seen {
  readonly offset: number;
  readonly timestampMs: number;
  readonly event: AnyEvent;
}

/** One output of a fold, wherever it was written. */
export interface Output {
  readonly fold: string;
  readonly cause: Cause;
}

/**
 * Reads the records of one partition as every consumer must: what was applied is dropped by cause.
 * A repetition must be the same bytes; a first appearance that comes too late is lost to consumers.
 */
export function readHistory(records: readonly LogRecord[], report: Report): Seen[] {
  const applied = new Map<string, { offset: number; index: number }>();
  const digests = new Map<string, string>();
  const seen: Seen[] = [];
  for (const record of records) {
    const place = `${record.topic}/${record.partition}/${record.offset}`;
    const decoded = decodeEvent(record.value);
    if (decoded.kind !== 'event') {
      report('record_unreadable', place, decoded.detail);
      continue;
    }
    const { event } = decoded;
    if (event.cause !== undefined) {
      const digest = createHash('sha1').update(record.value).digest('base64');
      const before = digests.get(event.id);
      if (before !== undefined && before !== digest) {
        report('outputs_differ', place, `two owners wrote different bytes for ${event.id}`);
      }
      digests.set(event.id, digest);
      const source = `${event.cause[0]}/${event.cause[1]}`;
      if (isApplied(applied.get(source), event.cause)) {
        if (before === undefined)
          report('output_lost', place, `${event.id} comes after a later one`);
        continue;
      }
      applied.set(source, { offset: event.cause[2], index: event.cause[3] });
    }
    seen.push({ offset: record.offset, timestampMs: record.timestampMs, event });
  }
  return seen;
}

/** The outputs of one input record are numbered from 0 without gaps, over all their topics. */
export function checkGaps(outputs: Iterable<Output>, report: Report): void {
  const indexes = new Map<string, Set<number>>();
  for (const { fold, cause } of outputs) {
    const input = `${fold}: ${cause[0]}/${cause[1]}/${cause[2]}`;
    const set = indexes.get(input) ?? new Set();
    set.add(cause[3]);
    indexes.set(input, set);
  }
  for (const [input, set] of indexes) {
    for (let index = 0; index < Math.max(...set); index++) {
      if (!set.has(index))
        report('output_missing', `${input}/${index}`, 'its successors are there');
    }
  }
}
