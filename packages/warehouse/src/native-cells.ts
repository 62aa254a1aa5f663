import type { ColumnType } from './native-columns.js';
import type { NativeRows } from './native-rows.js';
import type { Cell } from './warehouse.js';

/** Reads a block back, for who has no engine: amounts as decimal strings, a Date as its ISO day. */
export function nativeCells({ native }: NativeRows): Cell[][] {
  const reader: Reader = { bytes: native, at: 0 };
  const columns = readLength(reader);
  const count = readLength(reader);
  const rows: Cell[][] = Array.from({ length: count }, () => []);
  for (let column = 0; column < columns; column += 1) {
    readText(reader);
    const type = readText(reader) as ColumnType;
    readColumn(reader, type, count).forEach((cell, row) => void rows[row]?.push(cell));
  }
  return rows;
}

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

function readColumn(reader: Reader, type: ColumnType, count: number): Cell[] {
  const each = (read: () => Cell): Cell[] => Array.from({ length: count }, read);
  const integer = (width: number) => () => readInteger(reader, width);
  switch (type) {
    case 'String':
      return each(() => readText(reader));
    case 'LowCardinality(String)':
      return readKeys(reader);
    case 'Date':
      return each(integer(2)).map((days) => isoDay(Number(days)));
    case 'DateTime':
      return each(integer(4));
    case 'DateTime64(3)':
      return each(integer(8));
    case 'Nullable(DateTime64(3))': {
      const nulls = each(integer(1));
      return each(integer(8)).map((value, row) => (nulls[row] === 1 ? null : value));
    }
    case 'UInt128':
    case 'UInt256':
      return each(integer(bitsOf(type) / 8)).map(String);
    default:
      return each(integer(bitsOf(type) / 8));
  }
}

function readKeys(reader: Reader): Cell[] {
  reader.at += 8;
  const width = 1 << (Number(readInteger(reader, 8)) & 0xff);
  const keys = Array.from({ length: Number(readInteger(reader, 8)) }, () => readText(reader));
  const rows = Number(readInteger(reader, 8));
  return Array.from({ length: rows }, () => keys[Number(readInteger(reader, width))] as string);
}

function bitsOf(type: string): number {
  return Number.parseInt(type.slice('UInt'.length), 10);
}

/** A number where it is exact. */
function readInteger(reader: Reader, width: number): number | string {
  let value = 0n;
  for (let place = width - 1; place >= 0; place -= 1) {
    value = (value << 8n) | BigInt(reader.bytes[reader.at + place] as number);
  }
  reader.at += width;
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? String(value) : Number(value);
}

function readLength(reader: Reader): number {
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = reader.bytes[reader.at++] as number;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) return length;
  }
}

function readText(reader: Reader): string {
  const length = readLength(reader);
  const start = reader.at;
  reader.at += length;
  return reader.bytes.toString('utf8', start, reader.at);
}

function isoDay(days: number): string {
  return new Date(days * 86_400_000).toISOString().slice(0, 10);
}
