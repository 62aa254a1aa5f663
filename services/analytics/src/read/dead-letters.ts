import type { EventLog, LogRecord } from '@paycrawl/event-log/event-log';
import { decodeEvent, type EventOfType } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import type { DeadLetter, DeadLetters } from '../routes/dead-letter-types.js';
import { type Cursor, encodeCursor } from './cursor.js';
import { isoOf } from './period.js';

export interface DeadLettersRequest {
  /** With or without its generation. */
  readonly topic?: string;
  readonly code?: string;
  readonly before?: Cursor;
  readonly limit: number;
}

interface Letter extends Omit<DeadLetter, 'at' | 'position'> {
  readonly atMs: number;
}

/**
 * A question looks through so many records of the topic, the newest, whatever it asks for: the
 * topic is empty in health, and in trouble the newest say what it is. All: `npm run dead-letters`.
 */
export const deadLetterRecordsMax = 10_000;
const shownBytesMax = 1_024;
const readRecordsMax = 500;

/** From the log itself, so that it works while the projection, or ClickHouse, does not. */
export async function readDeadLetters(
  log: EventLog,
  { topic, code, before, limit }: DeadLettersRequest,
): Promise<DeadLetters> {
  const { letters, isWhole } = await newestLetters(log);
  const wanted = [...letters]
    .map(([position, { atMs, ...letter }]) => ({ position, at: isoOf(atMs), ...letter, atMs }))
    .filter((one) => topic === undefined || isOf(one.topic, topic))
    .filter((one) => code === undefined || one.code === code)
    .filter((one) => before === undefined || compare(one, before.atMs, before.id) > 0)
    .sort((a, b) => compare(a, b.atMs, b.position));
  const page = wanted.slice(0, limit);
  const last = page.at(-1);
  const isMore = wanted.length > limit && last !== undefined;
  return {
    deadLetters: page.map(({ atMs, ...letter }) => letter),
    next: isMore ? encodeCursor({ atMs: last.atMs, id: last.position }) : null,
    isWhole,
  };
}

function isOf(topic: string, wanted: string): boolean {
  return topic === wanted || topic.startsWith(`${wanted}.`);
}

/** Negative: `one` is newer, and comes first. */
function compare(one: { atMs: number; position: string }, atMs: number, position: string): number {
  if (one.atMs !== atMs) return atMs - one.atMs;
  if (one.position === position) return 0;
  return one.position < position ? 1 : -1;
}

async function newestLetters(log: EventLog) {
  const place = { topic: physicalTopic('dead-letters'), partition: 0 };
  const { earliest, next } = await log.offsets(place);
  const from = Math.max(earliest, next - deadLetterRecordsMax);
  const letters = new Map<string, Letter>();
  for (let offset = from; offset < next; ) {
    const records = await log.read(place, offset, Math.min(readRecordsMax, next - offset));
    for (const record of records) take(letters, record);
    offset = (records.at(-1)?.offset ?? next) + 1;
  }
  return { letters, isWhole: from === earliest };
}

function take(letters: Map<string, Letter>, record: LogRecord): void {
  const decoded = decodeEvent(record.value);
  if (decoded.kind !== 'event') return takeUnreadable(letters, record, decoded.detail);
  const { event } = decoded;
  if (event.type === 'RecordDeadLettered') takeLetter(letters, event);
  if (event.type !== 'RecordRedriven') return;
  const position = positionOf(event.data);
  const letter = letters.get(position);
  if (letter === undefined) return;
  letters.set(position, { ...letter, newOffset: event.data.newOffset });
}

function takeLetter(
  letters: Map<string, Letter>,
  { data, timeMs: atMs }: EventOfType<'RecordDeadLettered'>,
): void {
  const position = positionOf(data);
  const known = letters.get(position);
  const { consumer, valueBase64, ...rest } = data;
  if (known?.consumers.includes(consumer)) return;
  const value = Buffer.from(valueBase64, 'base64');
  const letter = known ?? { ...rest, ...shown(value), atMs, consumers: [], newOffset: null };
  letters.set(position, { ...letter, consumers: [...letter.consumers, consumer].sort() });
}

/** Bytes among the dead letters that are none: they are where they would be put. */
function takeUnreadable(letters: Map<string, Letter>, record: LogRecord, detail: string): void {
  const { topic, partition, offset, key, value, timestampMs: atMs } = record;
  const place = { topic, partition, offset, key, ...shown(value) };
  const why = { code: 'record_unreadable', detail, consumers: [], newOffset: null };
  letters.set(positionOf(record), { ...place, ...why, atMs });
}

function shown(value: Buffer) {
  const valueBase64 = value.subarray(0, shownBytesMax).toString('base64');
  return { valueBytes: value.length, valueBase64 };
}

function positionOf(at: { topic: string; partition: number; offset: number }): string {
  return `${at.topic}/${at.partition}/${at.offset}`;
}
