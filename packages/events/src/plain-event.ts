import type { EventDefinition } from './definition.js';
import { type Cause, idOfCause } from './envelope.js';
import {
  type Cursor,
  createJsonReader,
  createSkip,
  createTextReader,
  cursorOf,
  type JsonReader,
  readInteger,
  skipCode,
} from './json-reader.js';

/** A record as this code writes it, with data that fits. */
export interface PlainEvent {
  readonly type: string;
  readonly source: string;
  readonly timeMs: number;
  readonly id: string;
  readonly cause: Cause | undefined;
  readonly trace: string | undefined;
  readonly data: unknown;
}

/** Reads records as they are written here: nearly all of those that are ever read. */
export interface PlainEventReader {
  /** Undefined where only the decoder of all records knows. */
  read(value: Uint8Array): PlainEvent | undefined;
  /** Data of a record that was read otherwise: those like it are read here from now on. */
  learn(type: string, data: unknown): void;
}

interface Known {
  readonly type: string;
  readonly data: JsonReader;
}

/** By type and version, as in the record. */
export function createPlainEventReader(
  current: ReadonlyMap<string, EventDefinition>,
): PlainEventReader {
  const known = new Map<string, Known>();
  const readEnvelope = createEnvelopeReader();
  return {
    read(value) {
      if (!Buffer.isBuffer(value)) return undefined;
      return readEnvelope(cursorOf(value), known);
    },
    learn(type, data) {
      const definition = current.get(type);
      if (definition === undefined) return;
      const of = known.get(type) ?? {
        type: definition.type,
        data: createJsonReader(definition.schema),
      };
      known.set(type, of);
      of.data.learn(data);
    },
  };
}

const [comma, listEnd, objectEnd] = [0x2c, 0x5d, 0x7d];
const skipType = createSkip('{"type":');
const skipCause = createSkip(',"cause":[');
const skipId = createSkip(',"id":');
const skipSource = createSkip(',"source":');
const skipTime = createSkip(',"timeMs":');
const skipTrace = createSkip(',"trace":');
const skipData = createSkip(',"data":');

function createEnvelopeReader() {
  const readType = createTextReader(isAny);
  const readTopic = createTextReader(isAny);
  const readId = createTextReader(isAny);
  const readSource = createTextReader(isAny);
  const readTrace = createTextReader(isAny);
  const readCause = (cursor: Cursor): Cause | undefined => {
    const topic = readTopic(cursor);
    const partition = skipCode(cursor, comma) ? readInteger(cursor) : undefined;
    const offset = skipCode(cursor, comma) ? readInteger(cursor) : undefined;
    const index = skipCode(cursor, comma) ? readInteger(cursor) : undefined;
    if (topic === undefined || partition === undefined) return undefined;
    if (offset === undefined || index === undefined) return undefined;
    return skipCode(cursor, listEnd) ? [topic, partition, offset, index] : undefined;
  };
  return (cursor: Cursor, known: ReadonlyMap<string, Known>): PlainEvent | undefined => {
    const name = skipType(cursor) ? readType(cursor) : undefined;
    const of = name === undefined ? undefined : known.get(name);
    if (of === undefined) return undefined;
    const cause = skipCause(cursor) ? readCause(cursor) : undefined;
    const ownId = skipId(cursor) ? readId(cursor) : undefined;
    if ((cause === undefined) === (ownId === undefined)) return undefined;
    const id = ownId ?? idOfCause(cause as Cause);
    const source = skipSource(cursor) ? readSource(cursor) : undefined;
    const timeMs = skipTime(cursor) ? readInteger(cursor) : undefined;
    if (source === undefined || timeMs === undefined) return undefined;
    const isTraced = skipTrace(cursor);
    const trace = isTraced ? readTrace(cursor) : undefined;
    if (isTraced && trace === undefined) return undefined;
    const data = skipData(cursor) ? of.data.read(cursor) : undefined;
    if (data === undefined || !skipCode(cursor, objectEnd)) return undefined;
    if (cursor.at !== cursor.bytes.length) return undefined;
    return { type: of.type, source, timeMs, id, cause, trace, data };
  };
}

function isAny(): boolean {
  return true;
}
