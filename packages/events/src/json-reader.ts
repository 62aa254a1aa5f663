import type { TArray, TObject, TSchema, TUnion } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';

/** Where reading stands in the bytes of a record. */
export interface Cursor {
  readonly bytes: Buffer;
  /** Of all bytes that these lie among: for several at once. */
  readonly view: DataView;
  readonly viewOffset: number;
  at: number;
}

let viewBefore: DataView = new DataView(new ArrayBuffer(0));

export function cursorOf(bytes: Buffer): Cursor {
  // Records of one chunk of a log lie side by side.
  if (viewBefore.buffer !== bytes.buffer) viewBefore = new DataView(bytes.buffer);
  return { bytes, view: viewBefore, viewOffset: bytes.byteOffset, at: 0 };
}

/**
 * Reads JSON of a schema as `JSON.parse` and a check of the schema do, in a part of the time: names
 * are only compared, and a value that stands where it stood before is neither made nor checked.
 */
export interface JsonReader {
  /**
   * The value at the cursor, which goes behind it. Undefined, and the cursor anywhere, where only
   * `JSON.parse` knows: spaces, what is escaped or not ASCII, fractions, a new order of fields, or
   * not as the schema says.
   */
  read(cursor: Cursor): unknown;
  /** A value that fits: fields in its order are read from now on. */
  learn(value: unknown): void;
}

export function createJsonReader(schema: TSchema): JsonReader {
  if (isText(schema)) {
    const check = TypeCompiler.Compile(schema);
    return { read: createTextReader((value) => check.Check(value)), learn };
  }
  if (schema.type === 'integer') return createIntegerReader(schema);
  if (schema.type === 'boolean') return { read: readBoolean, learn };
  if (schema.type === 'array') return createArrayReader(schema as TArray);
  if (schema.type === 'object' && schema.properties !== undefined) {
    return createObjectReader(schema as TObject);
  }
  if (schema.anyOf !== undefined) return createUnionReader(schema as TUnion);
  return { read: () => undefined, learn };
}

function learn(): void {}

function isText(schema: TSchema): boolean {
  if (schema.anyOf !== undefined) return (schema.anyOf as TSchema[]).every(isText);
  return schema.type === 'string';
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const list = { begin: 0x5b, end: 0x5d } as const;

/** The end of the plain text that begins here; -1 where it is escaped, not ASCII or has no end. */
function endOfText({ bytes, view, viewOffset }: Cursor, from: number): number {
  let at = from;
  for (; at + 4 <= bytes.length; at += 4) if (isSpecial(view.getInt32(viewOffset + at))) break;
  for (; at < bytes.length; at++) {
    const code = bytes[at] as number;
    if (code === quote) return at;
    if (code < 0x20 || code > 0x7f || code === backslash) return -1;
  }
  return -1;
}

/** Does one of four bytes end the text or forbid it (graphics.stanford.edu/~seander/bithacks.html)? */
function isSpecial(four: number): boolean {
  const quoted = four ^ 0x22222222;
  const escaped = four ^ 0x5c5c5c5c;
  const isBelow = ((four - 0x20202020) & ~four) | ((quoted - 0x01010101) & ~quoted);
  const isEscaped = (escaped - 0x01010101) & ~escaped;
  return ((four | isBelow | isEscaped) & 0x80808080) !== 0;
}

/** Longer ones, and those that are another each time, are not remembered. */
const rememberedMax = 128;
const missesMax = 32;

/** Texts of one field; the same string again where it is the one before. */
export function createTextReader(
  isValid: (value: string) => boolean,
): (cursor: Cursor) => string | undefined {
  const before = new Uint8Array(rememberedMax);
  let length = -1;
  let last = '';
  let misses = 0;
  const isLast = (bytes: Buffer, from: number): boolean => {
    if (length < 0 || bytes[from + length] !== quote) return false;
    for (let i = 0; i < length; i++) if (bytes[from + i] !== before[i]) return false;
    return true;
  };
  return (cursor) => {
    const { bytes, at } = cursor;
    if (bytes[at] !== quote) return undefined;
    const from = at + 1;
    if (isLast(bytes, from)) {
      misses = 0;
      cursor.at = from + length + 1;
      return last;
    }
    const to = endOfText(cursor, from);
    if (to < 0) return undefined;
    cursor.at = to + 1;
    const value = bytes.toString('latin1', from, to);
    if (!isValid(value)) return undefined;
    length = -1;
    misses += 1;
    if (misses > missesMax || to - from > rememberedMax) return value;
    for (let i = from; i < to; i++) before[i - from] = bytes[i] as number;
    length = to - from;
    last = value;
    return value;
  };
}

const zero = 0x30;
/** Beyond them a number may not be what is written. */
const digitsMax = 15;

export function readInteger(cursor: Cursor): number | undefined {
  const { bytes, at: from } = cursor;
  let at = from;
  let value = 0;
  for (; at < bytes.length; at++) {
    const digit = (bytes[at] as number) - zero;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  const digits = at - from;
  if (digits === 0 || digits > digitsMax) return undefined;
  if (digits > 1 && bytes[from] === zero) return undefined;
  cursor.at = at;
  return value;
}

function createIntegerReader(schema: TSchema): JsonReader {
  const check = TypeCompiler.Compile(schema);
  return {
    read(cursor) {
      const value = readInteger(cursor);
      return check.Check(value) ? value : undefined;
    },
    learn,
  };
}

const skipTrue = createSkip('true');
const skipFalse = createSkip('false');

function readBoolean(cursor: Cursor): boolean | undefined {
  if (skipTrue(cursor)) return true;
  return skipFalse(cursor) ? false : undefined;
}

/**
 * Goes behind what is expected at the cursor; false if something else stands there. Four bytes or
 * more: the last four are compared together, whichever were before.
 */
export function createSkip(expected: string): (cursor: Cursor) => boolean {
  const bytes = Buffer.from(expected);
  const places = [];
  for (let at = 0; at + 4 < bytes.length; at += 4) places.push(at);
  places.push(bytes.length - 4);
  const compared = places.map((at) => `view.getInt32(from + ${at}) === ${bytes.readInt32BE(at)}`);
  const source = `'use strict';
    return (cursor) => {
      const { bytes, view, viewOffset, at } = cursor;
      const from = viewOffset + at;
      if (at + ${bytes.length} > bytes.length || !(${compared.join(' && ')})) return false;
      cursor.at = at + ${bytes.length};
      return true;
    };`;
  return new Function(source)() as (cursor: Cursor) => boolean;
}

export function skipCode(cursor: Cursor, code: number): boolean {
  if (cursor.bytes[cursor.at] !== code) return false;
  cursor.at += 1;
  return true;
}

function createArrayReader(schema: TArray): JsonReader {
  const items = createJsonReader(schema.items);
  const check = TypeCompiler.Compile(schema);
  return {
    read(cursor) {
      if (!skipCode(cursor, list.begin)) return undefined;
      const values: unknown[] = [];
      if (!skipCode(cursor, list.end)) {
        do {
          const value = items.read(cursor);
          if (value === undefined) return undefined;
          values.push(value);
        } while (skipCode(cursor, comma));
        if (!skipCode(cursor, list.end)) return undefined;
      }
      return check.Check(values) ? values : undefined;
    },
    learn(value) {
      for (const item of value as unknown[]) items.learn(item);
    },
  };
}

function createUnionReader({ anyOf }: TUnion): JsonReader {
  const variants = anyOf.map((schema) => ({
    ...createJsonReader(schema),
    check: TypeCompiler.Compile(schema),
  }));
  return {
    read(cursor) {
      const { at } = cursor;
      for (const variant of variants) {
        cursor.at = at;
        const value = variant.read(cursor);
        if (value !== undefined) return value;
      }
      return undefined;
    },
    learn(value) {
      for (const variant of variants) if (variant.check.Check(value)) variant.learn(value);
    },
  };
}

/** Writers of one type put its fields in the same few orders again and again. */
const ordersMax = 8;

type Read = JsonReader['read'];

function createObjectReader(schema: TObject): JsonReader {
  const fields = new Map(
    Object.entries(schema.properties).map(([name, one]) => [name, createJsonReader(one)]),
  );
  const orders = new Set<string>();
  const reads: Read[] = [];
  return {
    read(cursor) {
      const { at } = cursor;
      for (const read of reads) {
        cursor.at = at;
        const value = read(cursor);
        if (value !== undefined) return value;
      }
      return undefined;
    },
    learn(value) {
      const names = Object.keys(value as object);
      for (const name of names) fields.get(name)?.learn((value as Record<string, unknown>)[name]);
      const order = names.join();
      if (orders.size === ordersMax || orders.has(order)) return;
      // A field that the schema has not may be anything.
      if (!names.every((name) => fields.has(name))) return;
      orders.add(order);
      reads.push(compile(names.map((name) => [name, fields.get(name) as JsonReader])));
    },
  };
}

const object = { begin: 0x7b, end: 0x7d } as const;

/** Straight code for an object whose fields stand in this order, all of them and no others. */
function compile(fields: readonly (readonly [name: string, reader: JsonReader])[]): Read {
  const skips = fields.map(([name], at) =>
    createSkip(`${at === 0 ? '{' : ','}${JSON.stringify(name)}:`),
  );
  const reads = fields.map(([, reader]) => reader.read);
  const steps = fields.map(
    (_, at) => `
      if (!skip${at}(cursor)) return undefined;
      const value${at} = read${at}(cursor);
      if (value${at} === undefined) return undefined;`,
  );
  const begin =
    fields.length > 0 ? '' : `if (!skipCode(cursor, ${object.begin})) return undefined;`;
  const source = `'use strict';
    ${fields.map((_, at) => `const skip${at} = skips[${at}], read${at} = reads[${at}];`).join('\n')}
    return (cursor) => {
      ${begin}${steps.join('')}
      if (!skipCode(cursor, ${object.end})) return undefined;
      return { ${fields.map(([name], at) => `${JSON.stringify(name)}: value${at}`).join(', ')} };
    };`;
  return new Function('skipCode', 'skips', 'reads', source)(skipCode, skips, reads) as Read;
}
