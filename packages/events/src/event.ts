import type { TObject, TSchema } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';
import { asciiBytes } from './ascii-bytes.js';
import { challengeEvents } from './challenges.js';
import { chargeEvents } from './charges.js';
import { deadLetterEvents } from './dead-letters.js';
import { decisionEvents } from './decisions.js';
import type { EventDefinition, EventOf } from './definition.js';
import { type Cause, type Envelope, idOfCause } from './envelope.js';
import { createJsonWriter, isPlainText, type JsonWriter } from './json-writer.js';
import { ledgerEvents } from './ledger.js';
import { paymentEvents } from './payments.js';
import { createPlainEventReader, type PlainEvent } from './plain-event.js';
import { PublisherFrozen, PublisherUnfrozen, registryEvents } from './registry.js';
import { settlementEvents } from './settlements.js';
import { type Upcasters, upcast, upcasters } from './upcasters.js';

/** Which types a topic may hold. */
export const eventsByTopic = {
  challenges: challengeEvents,
  // The verifier decides by what stands in its own partition: a freeze is told there too.
  payments: [...paymentEvents, PublisherFrozen, PublisherUnfrozen],
  decisions: decisionEvents,
  ledger: ledgerEvents,
  charges: chargeEvents,
  settlements: settlementEvents,
  registry: registryEvents,
  'dead-letters': deadLetterEvents,
} as const;

export type EventTopic = keyof typeof eventsByTopic;
export type EventIn<Topic extends EventTopic> = EventOf<(typeof eventsByTopic)[Topic][number]>;
export type ChallengeEvent = EventIn<'challenges'>;
export type PaymentEvent = EventIn<'payments'>;
export type DecisionEvent = EventIn<'decisions'>;
export type LedgerEvent = EventIn<'ledger'>;
export type ChargeEvent = EventIn<'charges'>;
export type SettlementEvent = EventIn<'settlements'>;
export type RegistryEvent = EventIn<'registry'>;
export type DeadLetterEvent = EventIn<'dead-letters'>;
export type AnyEvent = { [Topic in EventTopic]: EventIn<Topic> }[EventTopic];
export type EventType = AnyEvent['type'];
export type EventOfType<Type extends EventType> = Extract<AnyEvent, { type: Type }>;

const definitions = new Map<string, EventDefinition>(
  Object.values(eventsByTopic)
    .flat()
    .map((definition) => [definition.type, definition]),
);

export function definitionOf(type: EventType): EventDefinition {
  return definitions.get(type) as EventDefinition;
}

export const allDefinitions: readonly EventDefinition[] = [...definitions.values()];

/** The record value. Field order is fixed, so that equal events are equal bytes. */
export function encodeEvent(event: AnyEvent): Buffer {
  const { head, writeData } = writerOf(event.type);
  const { id, source, timeMs, cause, trace } = event;
  const data = writeData(event.data);
  // The id of an output follows from its cause and is not written twice.
  const origin = cause === undefined ? id : cause[0];
  if (data === undefined || !isPlainText(`${origin}${source}${trace ?? ''}`)) {
    return Buffer.from(textOfEvent(head, event));
  }
  const identity =
    cause === undefined
      ? `,"id":"${id}"`
      : `,"cause":["${origin}",${cause[1]},${cause[2]},${cause[3]}]`;
  const traced = trace === undefined ? '' : `,"trace":"${trace}"`;
  return asciiBytes(
    `${head}${identity},"source":"${source}","timeMs":${timeMs}${traced},"data":${data}}`,
  );
}

/** The same, whatever its texts are. */
function textOfEvent(head: string, { id, source, timeMs, cause, trace, data }: AnyEvent): string {
  const identity = cause ? `,"cause":${JSON.stringify(cause)}` : `,"id":${JSON.stringify(id)}`;
  const traced = trace === undefined ? '' : `,"trace":${JSON.stringify(trace)}`;
  return (
    `${head}${identity},"source":${JSON.stringify(source)},"timeMs":${timeMs}${traced},` +
    `"data":${JSON.stringify(data)}}`
  );
}

interface EventWriter {
  readonly head: string;
  readonly writeData: JsonWriter;
}

const writers = new Map<EventType, EventWriter>();

function writerOf(type: EventType): EventWriter {
  let writer = writers.get(type);
  if (writer === undefined) {
    const { version, schema } = definitionOf(type);
    writer = {
      head: `{"type":"${type}.v${version}"`,
      writeData: createJsonWriter(schema as TObject),
    };
    writers.set(type, writer);
  }
  return writer;
}

/** What is still being put together: assigned field by field, without a spread. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export type Decoded =
  | { readonly kind: 'event'; readonly event: AnyEvent }
  | { readonly kind: 'unreadable'; readonly detail: string }
  /** A known type in a version that this code does not know: an older instance must stop. */
  | { readonly kind: 'unknown_version'; readonly detail: string };

/** Reads a record value; old versions go through the upcasters here and nowhere else. */
export const decodeEvent: (value: Uint8Array) => Decoded = createDecoder(definitions, upcasters);

/** Never throws, whatever the bytes are. */
export function createDecoder(
  known: ReadonlyMap<string, EventDefinition>,
  steps: Upcasters,
): (value: Uint8Array) => Decoded {
  const current = currentOf(known);
  const plain = createPlainEventReader(current);
  const decodeAny = createDecoderOfAny(known, steps, plain.learn);
  return (value) => {
    const event = plain.read(value);
    return event === undefined ? decodeAny(value) : { kind: 'event', event: eventOf(event) };
  };
}

function currentOf(known: ReadonlyMap<string, EventDefinition>): Map<string, EventDefinition> {
  return new Map([...known.values()].map((one) => [`${one.type}.v${one.version}`, one]));
}

/** The same for records of any form, by `JSON.parse`. */
export function createDecoderOfAny(
  known: ReadonlyMap<string, EventDefinition>,
  steps: Upcasters,
  /** Told of data in its present version. */
  onCurrent: (type: string, data: unknown) => void = () => {},
): (value: Uint8Array) => Decoded {
  const current = currentOf(known);
  return (value) => {
    let raw: unknown;
    try {
      raw = JSON.parse(textOf(value));
    } catch {
      return unreadable('not JSON');
    }
    if (typeof raw !== 'object' || raw === null) return unreadable('not an object');
    const attributes = raw as Record<string, unknown>;
    const { type, data } = attributes;
    if (typeof type !== 'string') return unreadable('no type');
    const definition = current.get(type);
    if (definition !== undefined) {
      const decoded = checked(definition, attributes, data);
      if (decoded.kind === 'event') onCurrent(type, data);
      return decoded;
    }
    return decodeOlder(type, attributes, known, steps);
  };
}

function textOf(value: Uint8Array): string {
  if (Buffer.isBuffer(value)) return value.toString();
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
}

const typeAndVersionGrammar = /^([A-Za-z]+)\.v([1-9][0-9]*)$/;

/** Not a type in its present version: an older one, a newer one, or none at all. */
function decodeOlder(
  typeAndVersion: string,
  attributes: Record<string, unknown>,
  known: ReadonlyMap<string, EventDefinition>,
  steps: Upcasters,
): Decoded {
  const [, type = '', version] = typeAndVersionGrammar.exec(typeAndVersion) ?? [];
  const definition = known.get(type);
  if (definition === undefined) {
    return unreadable(`unknown type ${typeAndVersion.slice(0, 100)}`);
  }
  const written = Number.parseInt(version ?? '', 10);
  const current = upcast(type, written, definition.version, attributes.data, steps);
  if (current.kind !== 'current') return { kind: current.kind, detail: typeAndVersion };
  return checked(definition, attributes, current.data);
}

function checked(
  definition: EventDefinition,
  attributes: Record<string, unknown>,
  data: unknown,
): Decoded {
  const check = checkOf(definition);
  if (!check.Check(data)) {
    const first = check.Errors(data).First();
    return unreadable(`${definition.type}: ${first?.path ?? ''} ${first?.message ?? 'invalid'}`);
  }
  return envelopeOf(definition.type, attributes, data);
}

function envelopeOf(
  type: string,
  { cause, id, source, timeMs, trace }: Record<string, unknown>,
  data: unknown,
): Decoded {
  if (typeof source !== 'string' || !Number.isSafeInteger(timeMs)) {
    return unreadable('no source or time');
  }
  if (cause !== undefined && !isCause(cause)) return unreadable('malformed cause');
  if (cause === undefined && typeof id !== 'string') return unreadable('no id');
  const event = eventOf({
    ...{ type, source, timeMs: timeMs as number, cause, data },
    id: cause === undefined ? (id as string) : idOfCause(cause),
    trace: typeof trace === 'string' ? trace : undefined,
  });
  return { kind: 'event', event };
}

/** Two literals and no spread: every record is read several times. */
function eventOf({ type, id, source, timeMs, cause, trace, data }: PlainEvent): AnyEvent {
  const envelope: Mutable<Envelope> =
    cause === undefined
      ? { type, id, source, timeMs, data }
      : { type, id, source, timeMs, cause, data };
  if (trace !== undefined) envelope.trace = trace;
  return envelope as AnyEvent;
}

function unreadable(detail: string): Decoded {
  return { kind: 'unreadable', detail };
}

function isCause(value: unknown): value is Cause {
  return (
    Array.isArray(value) &&
    value.length === 4 &&
    typeof value[0] === 'string' &&
    value.slice(1).every((part) => Number.isSafeInteger(part) && part >= 0)
  );
}

const checks = new WeakMap<EventDefinition, TypeCheck<TSchema>>();

function checkOf(definition: EventDefinition): TypeCheck<TSchema> {
  let check = checks.get(definition);
  if (check === undefined) {
    check = TypeCompiler.Compile(definition.schema);
    checks.set(definition, check);
  }
  return check;
}
