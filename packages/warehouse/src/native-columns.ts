/**
 * Columns of a block as the engine's Native format wants them: https://clickhouse.com/docs/interfaces/formats/Native.
 * Values are bytes as soon as they are added, outside the collected heap, because rows gather until
 * a block is written.
 */
export interface Column {
  add(value: NativeCell): void;
  /** The bytes of all values, after the column's name and type. */
  parts(): Buffer[];
}

/** Amounts as bigint; DateTime64(3) in Unix ms, DateTime in Unix s, Date in days since 1970. */
export type NativeCell = string | number | bigint | null;

/** `LowCardinality(String)`: few different values, of which each stands in the block once. */
export type ColumnType =
  | 'String'
  | 'LowCardinality(String)'
  | 'Date'
  | 'DateTime'
  | 'DateTime64(3)'
  | 'Nullable(DateTime64(3))'
  | `UInt${16 | 32 | 64 | 128 | 256}`;

export function createColumn(type: ColumnType): Column {
  switch (type) {
    case 'String':
      return stringColumn();
    case 'LowCardinality(String)':
      return keyColumn();
    case 'Nullable(DateTime64(3))':
      return nullableColumn();
    case 'Date':
    case 'UInt16':
      return integerColumn(2);
    case 'DateTime':
    case 'UInt32':
      return integerColumn(4);
    case 'DateTime64(3)':
    case 'UInt64':
      return integerColumn(8);
    case 'UInt128':
      return integerColumn(16);
    case 'UInt256':
      return integerColumn(32);
  }
}

/** Grows; what was not written yet is zero. */
interface Bytes {
  buffer: Buffer;
  length: number;
}

const bytesAtFirst = 1024;

function emptyBytes(): Bytes {
  return { buffer: Buffer.alloc(0), length: 0 };
}

/** Makes room for so many more. */
function reserve(bytes: Bytes, more: number): void {
  if (bytes.length + more <= bytes.buffer.length) return;
  const larger = Buffer.alloc(Math.max(bytesAtFirst, 2 * (bytes.length + more)));
  bytes.buffer.copy(larger, 0, 0, bytes.length);
  bytes.buffer = larger;
}

function written({ buffer, length }: Bytes): Buffer {
  return buffer.subarray(0, length);
}

const word = 2 ** 32;

/** Little-endian, of so many bytes. */
function integerColumn(width: number): Column {
  const bytes = emptyBytes();
  return {
    add(value) {
      reserve(bytes, width);
      writeInteger(bytes.buffer, bytes.length, width, value as number | bigint);
      bytes.length += width;
    },
    parts: () => [written(bytes)],
  };
}

/** Into zeros; what does not fit into the width is cut off, as the engine does it. */
function writeInteger(buffer: Buffer, at: number, width: number, value: number | bigint): void {
  const small = typeof value === 'number' ? value : Number(value);
  if (width === 2) {
    buffer[at] = small;
    buffer[at + 1] = small >>> 8;
    return;
  }
  if (small > Number.MAX_SAFE_INTEGER) return writeLarge(buffer, at, width, BigInt(value));
  writeWord(buffer, at, small >>> 0);
  if (width > 4 && small >= word) writeWord(buffer, at + 4, Math.floor(small / word));
}

function writeLarge(buffer: Buffer, at: number, width: number, value: bigint): void {
  for (let place = 0, rest = value; place < width; place += 8, rest >>= 64n) {
    buffer.writeBigUInt64LE(BigInt.asUintN(64, rest), at + place);
  }
}

function writeWord(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value;
  buffer[at + 1] = value >>> 8;
  buffer[at + 2] = value >>> 16;
  buffer[at + 3] = value >>> 24;
}

/** Lengths of 7 bits a byte. */
function writeLength(bytes: Bytes, length: number): void {
  let rest = length;
  for (; rest >= 0x80; rest >>>= 7) bytes.buffer[bytes.length++] = rest | 0x80;
  bytes.buffer[bytes.length++] = rest;
}

/** Longer ones, and what is not ASCII, are written by the runtime: a call costs more than these. */
const shortCharsMax = 80;
const lengthBytesMax = 5;

function writeText(bytes: Bytes, text: string): void {
  reserve(bytes, lengthBytesMax + 3 * text.length);
  if (text.length <= shortCharsMax && writeAscii(bytes, text)) return;
  writeLength(bytes, Buffer.byteLength(text));
  bytes.length += bytes.buffer.write(text, bytes.length);
}

/** False, and nothing that counts, when it is not ASCII. */
function writeAscii(bytes: Bytes, text: string): boolean {
  const { buffer, length } = bytes;
  buffer[length] = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) {
      buffer.fill(0, length, length + i + 1);
      return false;
    }
    buffer[length + 1 + i] = code;
  }
  bytes.length = length + 1 + text.length;
  return true;
}

function stringColumn(): Column {
  const bytes = emptyBytes();
  return {
    add: (value) => writeText(bytes, value as string),
    parts: () => [written(bytes)],
  };
}

/** The dictionary with its indices: SerializationLowCardinality.cpp of the engine. */
const sharedDictionaries = 1;
const hasOwnKeys = 0x600;

function keyColumn(): Column {
  const indices = new Map<string, number>();
  const keys = emptyBytes();
  let rows = new Uint32Array(256);
  let count = 0;
  const indexOf = (value: string): number => {
    const known = indices.get(value);
    if (known !== undefined) return known;
    const index = indices.size;
    indices.set(value, index);
    writeText(keys, value);
    return index;
  };
  // The engine keeps the default value in the first place.
  indexOf('');
  let last = '';
  let lastIndex = 0;
  return {
    add(value) {
      if (count === rows.length) rows = grown(rows);
      if (value !== last) {
        last = value as string;
        lastIndex = indexOf(last);
      }
      rows[count++] = lastIndex;
    },
    parts() {
      const [code, width] =
        indices.size <= 0x100 ? [0, 1] : indices.size <= 0x10000 ? [1, 2] : [2, 4];
      const ofRows = rows.subarray(0, count);
      const head = [sharedDictionaries, hasOwnKeys | code, indices.size];
      return [words(head), written(keys), words([count]), narrowed(ofRows, width)];
    },
  };
}

function grown(rows: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * rows.length);
  larger.set(rows);
  return larger;
}

function narrowed(rows: Uint32Array, width: number): Buffer {
  if (width === 1) return Buffer.from(rows);
  const { buffer, byteOffset, byteLength } = width === 2 ? Uint16Array.from(rows) : rows;
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Integers of 64 bits. */
function words(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => void bytes.writeUInt32LE(value, 8 * i));
  return bytes;
}

function nullableColumn(): Column {
  const nulls = emptyBytes();
  const values = integerColumn(8);
  return {
    add(value) {
      reserve(nulls, 1);
      nulls.buffer[nulls.length++] = value === null ? 1 : 0;
      values.add(value ?? 0);
    },
    parts: () => [written(nulls), ...values.parts()],
  };
}
