import type { NewRecord } from '../event-log.js';
import type { MutableAppended } from '../producer.js';

/** One `append`, on its way. */
export interface Call {
  readonly records: readonly NewRecord[];
  readonly appended: readonly MutableAppended[];
  readonly bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** What one batch writes to one partition: one record batch of the wire, all or nothing. */
export interface Share {
  readonly topic: string;
  readonly partition: number;
  readonly records: NewRecord[];
  /** Where the broker's answer is written, record by record. */
  readonly appended: MutableAppended[];
  /** Given once, before the first attempt; every attempt sends the same. */
  firstSequence: number;
}

export interface Batch {
  readonly calls: Call[];
  readonly shares: Map<string, Share>;
  bytes: number;
  records: number;
}

export function emptyBatch(): Batch {
  return { calls: [], shares: new Map(), bytes: 0, records: 0 };
}

export function addCall(batch: Batch, call: Call): void {
  batch.calls.push(call);
  batch.bytes += call.bytes;
  batch.records += call.records.length;
  call.records.forEach((record, index) => {
    const place = call.appended[index];
    if (place === undefined) return;
    const share = shareOf(batch, record);
    share.records.push(record);
    share.appended.push(place);
  });
}

function shareOf({ shares }: Batch, { topic, partition }: NewRecord): Share {
  const key = `${topic}/${partition}`;
  const known = shares.get(key);
  if (known !== undefined) return known;
  const share = { topic, partition, records: [], appended: [], firstSequence: -1 };
  shares.set(key, share);
  return share;
}
