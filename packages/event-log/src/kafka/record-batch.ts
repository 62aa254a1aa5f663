import { gunzipSync } from 'node:zlib';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { crc32c } from './crc32c.js';

/**
 * Kafka's record batch, magic 2 (KIP-98), written and read in one pass over one buffer: with kafkajs'
 * codec each record costs some dozen small buffers, which was most of the garbage of a paid crawl.
 * Tested against that codec.
 */
const magic = 2;
const headBytes = 61;
const at = {
  length: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  firstTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  firstSequence: 53,
  count: 57,
} as const;
const compressionMask = 0x07;
const gzip = 1;
const logAppendTime = 0x08;
const control = 0x20;
/** Length, attributes, deltas, lengths of key and value, count of headers: varints. */
const recordOverheadBytes = 5 + 1 + 1 + 5 + 5 + 5 + 1;

export interface WireRecord {
  readonly key: string;
  readonly value: Buffer;
}

export interface BatchToWrite {
  readonly records: readonly WireRecord[];
  readonly timestampMs: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly firstSequence: number;
}

/** At most so many bytes become of these records. */
export function batchBytesAtMost(records: readonly WireRecord[]): number {
  let bytes = headBytes;
  // UTF-8 takes at most three bytes for a UTF-16 unit.
  for (const { key, value } of records) {
    bytes += recordOverheadBytes + key.length * 3 + value.length;
  }
  return bytes;
}

/** Writes the batch into `bytes` and returns where it ends. */
export function writeBatch(bytes: Buffer, start: number, batch: BatchToWrite): number {
  const { records, timestampMs } = batch;
  bytes.fill(0, start, start + headBytes);
  bytes[start + at.magic] = magic;
  bytes.writeInt32BE(records.length - 1, start + at.lastOffsetDelta);
  writeInt64(bytes, start + at.firstTimestamp, timestampMs);
  writeInt64(bytes, start + at.maxTimestamp, timestampMs);
  bytes.writeBigInt64BE(batch.producerId, start + at.producerId);
  bytes.writeInt16BE(batch.producerEpoch, start + at.producerEpoch);
  bytes.writeInt32BE(batch.firstSequence, start + at.firstSequence);
  bytes.writeInt32BE(records.length, start + at.count);
  let end = start + headBytes;
  for (let i = 0; i < records.length; i += 1) {
    end = writeRecord(bytes, end, records[i] as WireRecord, i);
  }
  bytes.writeInt32BE(end - start - 12, start + at.length);
  bytes.writeUInt32BE(crc32c(bytes, start + at.attributes, end), start + at.crc);
  return end;
}

function writeRecord(
  bytes: Buffer,
  start: number,
  { key, value }: WireRecord,
  offsetDelta: number,
): number {
  const keyBytes = Buffer.byteLength(key);
  const bodyBytes =
    // Attributes, time delta, and no headers: a byte each.
    3 +
    varintBytes(offsetDelta) +
    varintBytes(keyBytes) +
    keyBytes +
    varintBytes(value.length) +
    value.length;
  let end = writeVarint(bytes, start, bodyBytes);
  bytes[end++] = 0;
  bytes[end++] = 0;
  end = writeVarint(bytes, end, offsetDelta);
  end = writeVarint(bytes, end, keyBytes);
  end += bytes.write(key, end, keyBytes, 'utf8');
  end = writeVarint(bytes, end, value.length);
  bytes.set(value, end);
  end += value.length;
  bytes[end++] = 0;
  return end;
}

/** Nothing that is written here is negative: zigzag is twice the number. */
function varintBytes(value: number): number {
  if (value < 0x40) return 1;
  if (value < 0x2000) return 2;
  if (value < 0x100000) return 3;
  return value < 0x8000000 ? 4 : 5;
}

function writeVarint(bytes: Buffer, start: number, value: number): number {
  let end = start;
  let left = value * 2;
  while (left > 0x7f) {
    bytes[end++] = (left & 0x7f) | 0x80;
    left = Math.floor(left / 128);
  }
  bytes[end++] = left;
  return end;
}

export function writeInt64(bytes: Buffer, start: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  bytes.writeInt32BE(high, start);
  bytes.writeUInt32BE(value - high * 0x1_0000_0000, start + 4);
}

export function readInt64(bytes: Buffer, start: number): number {
  return bytes.readInt32BE(start) * 0x1_0000_0000 + bytes.readUInt32BE(start + 4);
}

/** A record as it was read; key and value are views of the answer. */
export interface ReadRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string;
  readonly value: Buffer;
}

/** Where a reader is; one for all varints of a batch. */
interface Cursor {
  at: number;
}

/**
 * Reads whole batches one after the other; the last may be cut (a fetch has a bound). Records
 * before `fromOffset`, which share a batch with it, and those of transactions' ends are left out.
 */
export function readBatches(
  bytes: Buffer,
  start: number,
  end: number,
  fromOffset: number,
): ReadRecord[] {
  const records: ReadRecord[] = [];
  let next = start;
  while (next + headBytes <= end) {
    const batchEnd = next + 12 + bytes.readInt32BE(next + at.length);
    if (batchEnd > end) break;
    if (bytes[next + at.magic] !== magic) {
      throw fail('kafka_failed', `a record batch of magic ${bytes[next + at.magic]}`);
    }
    readBatch(bytes, next, batchEnd, fromOffset, records);
    next = batchEnd;
  }
  return records;
}

function readBatch(
  bytes: Buffer,
  start: number,
  end: number,
  fromOffset: number,
  records: ReadRecord[],
): void {
  const attributes = bytes.readInt16BE(start + at.attributes);
  if ((attributes & control) !== 0) return;
  const firstOffset = readInt64(bytes, start);
  const firstMs = readInt64(bytes, start + at.firstTimestamp);
  const appendedMs =
    (attributes & logAppendTime) === 0 ? undefined : readInt64(bytes, start + at.maxTimestamp);
  const count = bytes.readInt32BE(start + at.count);
  const body = plain(bytes.subarray(start + headBytes, end), attributes & compressionMask);
  const cursor: Cursor = { at: 0 };
  for (let i = 0; i < count; i += 1) {
    const bodyBytes = readVarint(body, cursor);
    const recordEnd = cursor.at + bodyBytes;
    cursor.at += 1;
    const timestampMs = firstMs + readVarint(body, cursor);
    const offset = firstOffset + readVarint(body, cursor);
    if (offset >= fromOffset) {
      const key = readBytes(body, cursor).toString('utf8');
      const value = readBytes(body, cursor);
      records.push({ offset, timestampMs: appendedMs ?? timestampMs, key, value });
    }
    // Whatever headers there are: nobody here writes or reads any.
    cursor.at = recordEnd;
  }
}

/** Nobody here compresses; other people's records are read if Node can. */
function plain(body: Buffer, codec: number): Buffer {
  if (codec === 0) return body;
  if (codec === gzip) return gunzipSync(body);
  throw fail('kafka_failed', `a record batch that is compressed by codec ${codec}`);
}

const nothing = Buffer.alloc(0);

function readBytes(bytes: Buffer, cursor: Cursor): Buffer {
  const length = readVarint(bytes, cursor);
  if (length <= 0) return nothing;
  const start = cursor.at;
  cursor.at = start + length;
  return bytes.subarray(start, cursor.at);
}

function readVarint(bytes: Buffer, cursor: Cursor): number {
  let byte = bytes[cursor.at++] as number;
  if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
  // Times may need more than 32 bits.
  let value = byte & 0x7f;
  let scale = 128;
  do {
    byte = bytes[cursor.at++] as number;
    value += (byte & 0x7f) * scale;
    scale *= 128;
  } while (byte >= 0x80);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
