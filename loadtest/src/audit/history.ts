import { createHash } from 'node:crypto';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { LogRecord } from '@paycrawl/event-log/event-log';
import { type Cause, isApplied } from '@paycrawl/events/envelope';
import { type AnyEvent, decodeEvent } from '@paycrawl/events/event';
import type { Report } from './finding.js';

/** A record as a consumer sees it: read, and the only one with its cause. */
export interface Seen extends Output {
  /** With its generation. */
  readonly topic: string;
  readonly offset: number;
  readonly timestampMs: number;
  /** As it was written; `event` is in the present version of its type. */
  readonly version: number;
  /** Decoded at each access: millions of decoded events would not fit into memory. */
  readonly event: AnyEvent;
}

/** An event by its place: which fold wrote it, because of which record. */
export interface Output {
  readonly source: string;
  readonly cause: Cause | undefined;
}

/**
 * Reads the records of one partition as every consumer must: what was applied is dropped by cause.
 * A repetition must be the same bytes; a first appearance that comes too late is lost to consumers.
 */
export function readHistory(
  records: readonly LogRecord[],
  report: Report,
  /** Bytes that nobody has read yet may still be set aside as a dead letter. */
  judgedBefore = Number.POSITIVE_INFINITY,
): Seen[] {
  const applied = new Map<string, { offset: number; index: number }>();
  const digests = new Map<string, string>();
  const seen: Seen[] = [];
  for (const record of records) {
    const place = `${record.topic}/${record.partition}/${record.offset}`;
    const decoded = decodeEvent(record.value);
    if (decoded.kind !== 'event') {
      if (record.offset < judgedBefore) report('record_unreadable', place, decoded.detail);
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
    seen.push(seenOf(record, event));
  }
  return seen;
}

function seenOf(record: LogRecord, { source, cause }: AnyEvent): Seen {
  return {
    topic: record.topic,
    offset: record.offset,
    timestampMs: record.timestampMs,
    source,
    cause,
    get version() {
      // The type is the first field of every record.
      const [, version = ''] = /^\{"type":"[A-Za-z]+\.v([0-9]+)"/.exec(headOf(record)) ?? [];
      return Number.parseInt(version, 10);
    },
    get event() {
      const decoded = decodeEvent(record.value);
      // It was read before; the same bytes are read again.
      if (decoded.kind !== 'event') throw fail('record_unreadable', decoded.detail);
      return decoded.event;
    },
  };
}

function headOf({ value }: LogRecord): string {
  return Buffer.from(value.buffer, value.byteOffset, Math.min(value.length, 100)).toString();
}

/** The outputs of one input record are numbered from 0 without gaps, over all their topics. */
export function checkGaps(outputs: Iterable<Output>, report: Report): void {
  const inputs = new Map<string, { count: number; max: number }>();
  for (const { source, cause } of outputs) {
    if (cause === undefined) continue;
    const input = `${source}: ${cause[0]}/${cause[1]}/${cause[2]}`;
    const { count, max } = inputs.get(input) ?? { count: 0, max: -1 };
    inputs.set(input, { count: count + 1, max: Math.max(max, cause[3]) });
  }
  for (const [input, { count, max }] of inputs) {
    if (count <= max)
      report('output_missing', input, `${count} outputs, the last is number ${max}`);
  }
}
