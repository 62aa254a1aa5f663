import type { EventLog, LogRecord, Producer } from '@paycrawl/event-log/event-log';
import { decodeEvent } from '@paycrawl/events/event';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';

/** What a whole platform wrote, to be given to one of its services as it came. */
export interface RecordedLog {
  /** Written before the crawls that are measured, in the order of time. */
  readonly before: readonly LogRecord[];
  readonly measured: readonly LogRecord[];
}

/** Where each `topic/partition` ended. */
export type LogMark = ReadonlyMap<string, number>;

const recordsAtOnce = 5_000;

export async function markLog(log: EventLog): Promise<LogMark> {
  const ends = new Map<string, number>();
  for (const place of await placesOf(log)) {
    ends.set(keyOf(place), (await log.offsets(place)).next);
  }
  return ends;
}

export async function recordLog(log: EventLog, mark: LogMark): Promise<RecordedLog> {
  const before: LogRecord[] = [];
  const measured: LogRecord[] = [];
  for (const place of await placesOf(log)) {
    const { next } = await log.offsets(place);
    const markedAt = mark.get(keyOf(place)) ?? 0;
    for (let offset = 0; offset < next; ) {
      const records = await log.read(place, offset, recordsAtOnce);
      for (const record of records) (record.offset < markedAt ? before : measured).push(record);
      offset = (records.at(-1)?.offset ?? next) + 1;
    }
  }
  const byTime = (one: LogRecord, other: LogRecord) => one.timestampMs - other.timestampMs;
  return { before: before.sort(byTime), measured: measured.sort(byTime) };
}

const topics: readonly TopicName[] = [
  ...(['registry', 'challenges', 'payments', 'decisions', 'ledger'] as const),
  ...(['charges', 'settlements'] as const),
];

async function placesOf(log: EventLog) {
  const names = new Set(topics.map((topic) => physicalTopic(topic)));
  const known = (await log.topics()).filter(({ name }) => names.has(name));
  return known.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
  );
}

function keyOf({ topic, partition }: Pick<LogRecord, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`;
}

/** Those that a service reads; of its own kind of record, only what others wrote. */
export function recordsFor(
  records: readonly LogRecord[],
  read: readonly TopicName[],
  isGiven: (type: string) => boolean = () => true,
): LogRecord[] {
  const names = new Set(['registry', ...read].map((topic) => physicalTopic(topic as TopicName)));
  return records.filter(({ topic, value }) => names.has(topic) && isGiven(typeOf(value)));
}

function typeOf(value: Buffer): string {
  const decoded = decodeEvent(value);
  return decoded.kind === 'event' ? decoded.event.type : '';
}

/** All at once, in their order. */
export async function giveAtOnce(log: EventLog, records: readonly LogRecord[]): Promise<void> {
  const producer = log.producer();
  for (let from = 0; from < records.length; from += recordsAtOnce) {
    await producer.append(records.slice(from, from + recordsAtOnce).map(newOf));
  }
  await producer.close();
}

/** Between two looks at what is due: a group of the log is about as long. */
const lookMs = 2;

/** At the pace at which they came, so that batches are as large as they were. */
export async function giveInTime(log: EventLog, records: readonly LogRecord[]): Promise<void> {
  const producer = log.producer();
  const firstMs = records[0]?.timestampMs ?? 0;
  const startedMs = performance.now();
  const appends: ReturnType<Producer['append']>[] = [];
  let given = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const nowMs = firstMs + performance.now() - startedMs;
      const from = given;
      while ((records[given]?.timestampMs ?? Number.POSITIVE_INFINITY) <= nowMs) given += 1;
      if (given > from) appends.push(producer.append(records.slice(from, given).map(newOf)));
      if (given < records.length) return;
      clearInterval(timer);
      resolve();
    }, lookMs);
  });
  await Promise.all(appends);
  await producer.close();
}

function newOf({ topic, partition, key, value }: LogRecord) {
  return { topic, partition, key, value };
}
