import type { LogRecord } from '../event-log.js';

/**
 * The newest durable records of a partition that readers of this process ask for: all of them get
 * the same objects, so a record is decoded once, and one that was written here not at all.
 */
export interface Recent {
  /** Without gaps, oldest first. */
  readonly runs: Run[];
  /** The offset after the newest record; meaningless while there are no runs. */
  next: number;
  bytes: number;
  readonly bytesMax: number;
}

interface Run {
  readonly records: readonly LogRecord[];
  readonly baseOffset: number;
  readonly bytes: number;
}

export function createRecent(bytesMax: number): Recent {
  return { runs: [], next: 0, bytes: 0, bytesMax };
}

/** Adds adjacent records; older ones than those that are kept, or the same again, are left out. */
export function keepRecent(recent: Recent, records: readonly LogRecord[]): void {
  const first = records[0];
  if (first === undefined) return;
  const { runs } = recent;
  if (runs.length > 0 && first.offset < recent.next) return;
  if (first.offset !== recent.next) {
    runs.length = 0;
    recent.bytes = 0;
  }
  const bytes = records.reduce((sum, { value }) => sum + value.length, 0);
  runs.push({ records, baseOffset: first.offset, bytes });
  recent.next = first.offset + records.length;
  recent.bytes += bytes;
  while (recent.bytes > recent.bytesMax && runs.length > 1)
    recent.bytes -= runs.shift()?.bytes ?? 0;
}

/** Forgets what lies before an offset: nobody asks for it any more. */
export function dropRecent(recent: Recent, beforeOffset: number): void {
  const { runs } = recent;
  while (runs[0] !== undefined && runs[0].baseOffset + runs[0].records.length <= beforeOffset) {
    recent.bytes -= runs.shift()?.bytes ?? 0;
  }
}

/** Up to `recordsMax` records from `fromOffset` on; undefined if that one is not kept. */
export function findRecent(
  recent: Recent,
  fromOffset: number,
  recordsMax: number,
): readonly LogRecord[] | undefined {
  const { runs } = recent;
  let at = runs.length - 1;
  while (at >= 0 && (runs[at]?.baseOffset ?? 0) > fromOffset) at -= 1;
  const run = runs[at];
  if (run === undefined || fromOffset >= recent.next) return undefined;
  const skipped = fromOffset - run.baseOffset;
  const isWhole = skipped === 0 && at === runs.length - 1 && run.records.length <= recordsMax;
  if (isWhole) return run.records;
  const out = run.records.slice(skipped, skipped + recordsMax);
  for (let next = at + 1; next < runs.length && out.length < recordsMax; next += 1) {
    out.push(...(runs[next]?.records.slice(0, recordsMax - out.length) ?? []));
  }
  return out;
}
