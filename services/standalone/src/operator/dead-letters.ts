import { randomUUID } from 'node:crypto';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, TopicPartition } from '@paycrawl/event-log/event-log';
import { type Decoded, decodeEvent, type EventOfType, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';

/** A record that was set aside, by whoever could not read it. */
export interface DeadLetter extends TopicPartition {
  readonly offset: number;
  readonly code: string;
  readonly detail: string;
  readonly consumers: readonly string[];
  /** When the first of them set it aside, by its log time. */
  readonly atMs: number;
  readonly key: string;
  readonly value: Buffer;
  /** Where it stands again, if it was driven again. */
  readonly newOffset: number | undefined;
}

export interface Selection {
  readonly topic?: string | undefined;
  readonly code?: string | undefined;
  readonly sinceMs?: number | undefined;
}

const readRecordsMax = 1_000;
const letters = { topic: physicalTopic('dead-letters'), partition: 0 };

export function positionOf({ topic, partition, offset }: TopicPartition & { offset: number }) {
  return `${topic}/${partition}/${offset}`;
}

/** One for each record, however many consumers set it aside; in the order of the first of them. */
export async function listDeadLetters(
  log: EventLog,
  { topic, code, sinceMs = 0 }: Selection = {},
): Promise<DeadLetter[]> {
  const all = await readDeadLetters(log);
  return [...all.values()].filter(
    (letter) =>
      (topic === undefined || letter.topic === topic || letter.topic.startsWith(`${topic}.`)) &&
      (code === undefined || letter.code === code) &&
      letter.atMs >= sinceMs,
  );
}

export async function findDeadLetter(log: EventLog, position: string): Promise<DeadLetter> {
  const letter = (await readDeadLetters(log)).get(position);
  if (letter === undefined) throw fail('dead_letter_unknown', `nothing of ${position}`);
  return letter;
}

/** What this version makes of the bytes. */
export function attemptOf({ value }: DeadLetter): Decoded {
  return decodeEvent(value);
}

async function readDeadLetters(log: EventLog): Promise<Map<string, DeadLetter>> {
  const all = new Map<string, DeadLetter>();
  for await (const record of recordsOf(log, letters)) {
    const decoded = decodeEvent(record.value);
    if (decoded.kind !== 'event') {
      // Bytes among the dead letters that are none: they are where they would be put.
      const { topic, partition, offset, key, value, timestampMs: atMs } = record;
      const place = { topic, partition, offset, key, value, atMs, newOffset: undefined };
      const code = 'record_unreadable';
      all.set(positionOf(record), { ...place, code, detail: decoded.detail, consumers: [] });
    } else if (decoded.event.type === 'RecordDeadLettered') {
      addLetter(all, decoded.event);
    } else if (decoded.event.type === 'RecordRedriven') {
      const { newOffset } = decoded.event.data;
      const position = positionOf(decoded.event.data);
      const letter = all.get(position);
      if (letter !== undefined) all.set(position, { ...letter, newOffset });
    }
  }
  return all;
}

function addLetter(
  all: Map<string, DeadLetter>,
  { data, timeMs }: EventOfType<'RecordDeadLettered'>,
): void {
  const position = positionOf(data);
  const known = all.get(position);
  const { consumer, valueBase64, ...rest } = data;
  if (known?.consumers.includes(consumer)) return;
  const value = Buffer.from(valueBase64, 'base64');
  all.set(position, {
    ...(known ?? { ...rest, atMs: timeMs, newOffset: undefined, value }),
    consumers: [...(known?.consumers ?? []), consumer].sort(),
  });
}

export interface Redriving {
  readonly operator: string;
  readonly reason: string;
  readonly nowMs: number;
}

/**
 * Appends the very bytes to the partition where they stood, if this version reads them, and says
 * so in the log. Once: also after a crash between the two, because the bytes are looked for first.
 */
export async function redrive(
  log: EventLog,
  position: string,
  { operator, reason, nowMs }: Redriving,
): Promise<DeadLetter & { readonly newOffset: number }> {
  const letter = await findDeadLetter(log, position);
  const { topic, partition, offset, key, value } = letter;
  assertRedrivable(letter);
  const producer = log.producer();
  try {
    const newOffset =
      (await offsetOfCopy(log, letter)) ??
      (await producer.append([{ topic, partition, key, value }]))[0]?.offset ??
      offset;
    const data = { topic, partition, offset, newOffset, operator, reason };
    const id = randomUUID();
    const event = { type: 'RecordRedriven', id, source: 'operator', timeMs: nowMs, data } as const;
    const key_ = `${topic}/${partition}`;
    await producer.append([{ ...letters, key: key_, value: encodeEvent(event) }]);
    return { ...letter, newOffset };
  } finally {
    await producer.close();
  }
}

function assertRedrivable(letter: DeadLetter): void {
  const position = positionOf(letter);
  if (letter.newOffset !== undefined) {
    throw fail('dead_letter_redriven', `${position} stands at ${letter.newOffset} again`);
  }
  const decoded = attemptOf(letter);
  if (decoded.kind !== 'event') {
    throw fail('dead_letter_unreadable', `${position}: ${decoded.kind}, ${decoded.detail}`);
  }
  if (decoded.event.cause !== undefined) {
    throw fail('dead_letter_caused', `${position} was caused by ${decoded.event.id}`);
  }
}

/** A copy of the bytes behind the letter: one that was driven again, and nobody wrote it down. */
async function offsetOfCopy(log: EventLog, letter: DeadLetter): Promise<number | undefined> {
  for await (const record of recordsOf(log, letter, letter.offset + 1)) {
    if (record.value.equals(letter.value)) return record.offset;
  }
  return undefined;
}

async function* recordsOf(log: EventLog, place: TopicPartition, fromOffset = 0) {
  const { earliest, next } = await log.offsets(place);
  for (let offset = Math.max(earliest, fromOffset); offset < next; ) {
    const records = await log.read(place, offset, Math.min(readRecordsMax, next - offset));
    yield* records;
    offset = (records.at(-1)?.offset ?? next) + 1;
  }
}
