/**
 * The bytes of a segment. Three kinds of keys in one environment:
 *
 *     00                                 head: where every partition ends; rewritten by each commit
 *     01                                 base: where every partition began in this segment
 *     10 partition(u32) offset(u64)      chunk: adjacent records, under the offset of the first
 *
 * A chunk is what one commit appended to one partition (cut at `chunkBytesTarget`), so a burst
 * costs one tree entry instead of one for each record, and a reader that knows where a chunk ends
 * finds the next one by its exact key.
 */
import type { LogRecord, NewRecord } from '../event-log.js';
import type { MutableAppended } from '../producer.js';

export const headKey = Buffer.from([0x00]);
export const baseKey = Buffer.from([0x01]);
const chunkKind = 0x10;
const chunkKeyBytes = 13;

/** Larger chunks save little more; a reader that wants one record must read the whole chunk. */
export const chunkBytesTarget = 64 * 1024;

const headerBytes = 24;
const recordHeaderBytes = 8;
const layoutVersion = 1;
const twoTo32 = 0x1_0000_0000;

/** Where each partition stands; offsets and times are whole numbers below 2^53. */
export interface Head {
  /** A sealed segment never changes again; the next one continues at its ends. */
  sealed: boolean;
  /** Payload bytes, for rolling by size. */
  bytes: number;
  createdMs: number;
  readonly next: number[];
  readonly lastMs: number[];
}

export function emptyHead(partitions: number, createdMs: number): Head {
  return {
    sealed: false,
    bytes: 0,
    createdMs,
    next: new Array<number>(partitions).fill(0),
    lastMs: new Array<number>(partitions).fill(0),
  };
}

/** The head of the segment that follows a sealed one: same ends, nothing in it yet. */
export function successorHead(head: Head, createdMs: number): Head {
  return { sealed: false, bytes: 0, createdMs, next: [...head.next], lastMs: [...head.lastMs] };
}

export function encodeHead(head: Head): Buffer {
  const out = Buffer.alloc(headerBytes + 16 * head.next.length);
  out.writeUInt8(layoutVersion, 0);
  out.writeUInt8(head.sealed ? 1 : 0, 1);
  out.writeUInt32BE(head.next.length, 4);
  out.writeDoubleBE(head.bytes, 8);
  out.writeDoubleBE(head.createdMs, 16);
  for (let p = 0; p < head.next.length; p += 1) {
    out.writeDoubleBE(head.next[p] ?? 0, headerBytes + 16 * p);
    out.writeDoubleBE(head.lastMs[p] ?? 0, headerBytes + 16 * p + 8);
  }
  return out;
}

export function decodeHead(bytes: Buffer): Head {
  const partitions = bytes.readUInt32BE(4);
  const next: number[] = [];
  const lastMs: number[] = [];
  for (let p = 0; p < partitions; p += 1) {
    next.push(bytes.readDoubleBE(headerBytes + 16 * p));
    lastMs.push(bytes.readDoubleBE(headerBytes + 16 * p + 8));
  }
  return {
    sealed: bytes.readUInt8(1) === 1,
    bytes: bytes.readDoubleBE(8),
    createdMs: bytes.readDoubleBE(16),
    next,
    lastMs,
  };
}

/** Reads one partition's end without decoding the rest; the poller asks often. */
export function headNext(bytes: Buffer, partition: number): number {
  return bytes.readDoubleBE(headerBytes + 16 * partition);
}

export function headSealed(bytes: Buffer): boolean {
  return bytes.readUInt8(1) === 1;
}

/** LMDB copies keys while it is called, so one buffer serves every hot call. */
export function chunkKey(partition: number, offset: number, into?: Buffer): Buffer {
  const key = into ?? Buffer.allocUnsafe(chunkKeyBytes);
  key[0] = chunkKind;
  key.writeUInt32BE(partition, 1);
  key.writeUInt32BE(Math.floor(offset / twoTo32), 5);
  key.writeUInt32BE(offset % twoTo32, 9);
  return key;
}

/** Grows once to the largest chunk seen and is then reused: encoding allocates nothing. */
export interface ChunkWriter {
  scratch: Buffer;
}

export function chunkWriter(): ChunkWriter {
  return { scratch: Buffer.allocUnsafeSlow(2 * chunkBytesTarget) };
}

/**
 * Encodes records from `from` until the chunk is full. Returns the index after the last one taken
 * and the length in `scratch`. Fills in where each record stands.
 */
export function encodeChunk(
  writer: ChunkWriter,
  records: readonly NewRecord[],
  appended: readonly MutableAppended[],
  from: number,
  baseOffset: number,
  timestampMs: number,
): { readonly to: number; readonly bytes: number } {
  let at = headerBytes;
  let to = from;
  while (to < records.length && (to === from || at < chunkBytesTarget)) {
    const record = records[to];
    const place = appended[to];
    if (record === undefined || place === undefined) break;
    const { key, value } = record;
    const worstBytes = at + recordHeaderBytes + 3 * key.length + value.length;
    if (worstBytes > writer.scratch.length) grow(writer, worstBytes);
    const scratch = writer.scratch;
    const keyBytes = scratch.write(key, at + recordHeaderBytes, 'utf8');
    scratch.writeUInt32BE(keyBytes, at);
    scratch.writeUInt32BE(value.length, at + 4);
    scratch.set(value, at + recordHeaderBytes + keyBytes);
    at += recordHeaderBytes + keyBytes + value.length;
    place.offset = baseOffset + (to - from);
    place.timestampMs = timestampMs;
    to += 1;
  }
  const scratch = writer.scratch;
  scratch.writeUInt32BE(layoutVersion, 0);
  scratch.writeUInt32BE(to - from, 4);
  scratch.writeDoubleBE(baseOffset, 8);
  scratch.writeDoubleBE(timestampMs, 16);
  return { to, bytes: at };
}

function grow(writer: ChunkWriter, bytesMin: number): void {
  const larger = Buffer.allocUnsafeSlow(2 * bytesMin);
  writer.scratch.copy(larger);
  writer.scratch = larger;
}

/**
 * Adds the records of a chunk from `fromOffset` on, at most until `out` has `recordsMax`. Returns
 * the offset after the chunk. Values are views of the chunk: keeping one keeps the chunk in memory.
 */
export function decodeChunk(
  chunk: Buffer,
  topic: string,
  partition: number,
  fromOffset: number,
  recordsMax: number,
  out: LogRecord[],
): number {
  const count = chunk.readUInt32BE(4);
  const baseOffset = chunk.readDoubleBE(8);
  const timestampMs = chunk.readDoubleBE(16);
  let at = headerBytes;
  for (let index = 0; index < count && out.length < recordsMax; index += 1) {
    const keyEnd = at + recordHeaderBytes + chunk.readUInt32BE(at);
    const valueEnd = keyEnd + chunk.readUInt32BE(at + 4);
    const offset = baseOffset + index;
    if (offset >= fromOffset) {
      const key = chunk.toString('utf8', at + recordHeaderBytes, keyEnd);
      const value = chunk.subarray(keyEnd, valueEnd);
      out.push({ topic, partition, key, value, offset, timestampMs });
    }
    at = valueEnd;
  }
  return baseOffset + count;
}
