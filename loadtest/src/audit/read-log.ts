import { hasCode } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, LogRecord, TopicPartition } from '@paycrawl/event-log/event-log';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import type { Done, PartitionRecords } from './audit-log.js';

const readRecordsMax = 10_000;

/** The log at one moment: what was appended later is not looked at, so that a reading ends. */
export interface Moment {
  /** What each fold has certainly finished with, by partition number. */
  readonly done: readonly Done[];
  /** Where `topic/partition` ended. */
  readonly ends: ReadonlyMap<string, number>;
}

const audited = ['payments', 'decisions', 'ledger', 'charges', 'settlements'] as const;

/**
 * What the folds have finished with is asked first and the ends after it, so that everything that
 * is judged has its outputs and dead letters among what is read.
 */
export async function momentOf(log: EventLog): Promise<Moment> {
  const done = await readDone(log);
  const ends = new Map<string, number>();
  const endOf = async (topic: TopicName, partition: number): Promise<void> => {
    const place = { topic: physicalTopic(topic), partition };
    ends.set(keyOf(place), (await log.offsets(place)).next);
  };
  for (let partition = 0; partition < done.length; partition++) {
    await Promise.all(audited.map((topic) => endOf(topic, partition)));
  }
  await endOf('dead-letters', 0);
  return { done, ends };
}

async function readDone(log: EventLog): Promise<Done[]> {
  const name = physicalTopic('payments');
  const topic = (await log.topics()).find((one) => one.name === name);
  const all: Done[] = [];
  for (let partition = 0; partition < (topic?.partitions ?? 0); partition++) {
    const [payments, decisions, charges] = await Promise.all([
      doneBefore(log, 'verifier', 'payments', partition),
      doneBefore(log, 'metering', 'decisions', partition),
      doneBefore(log, 'settlement', 'charges', partition),
    ]);
    all.push({ payments, decisions, charges });
  }
  return all;
}

/** Every partition number of the payer topics, from offset 0, one at a time in memory. */
export async function* readPartitions(
  log: EventLog,
  moment: Moment,
): AsyncGenerator<PartitionRecords> {
  for (const [partition, done] of moment.done.entries()) {
    const read = (topic: TopicName) => readAll(log, moment, topic, partition);
    yield {
      partition,
      done,
      payments: await read('payments'),
      decisions: await read('decisions'),
      ledger: await read('ledger'),
      charges: await read('charges'),
      settlements: await read('settlements'),
    };
  }
}

/**
 * A group's commit, or the position of its newest snapshot: brokers forget the commits of a group
 * that nobody belongs to, and a snapshot too is only made of what has its outputs in the log.
 */
async function doneBefore(
  log: EventLog,
  group: 'verifier' | 'metering' | 'settlement',
  topic: TopicName,
  partition: number,
): Promise<number> {
  const committed = await log.committed(group, { topic: physicalTopic(topic), partition });
  const snapshots = { topic: physicalTopic(`snapshots-${group}`), partition };
  return Math.max(committed ?? 0, await newestSnapshot(log, snapshots));
}

/** The key of a snapshot's records is its position. */
async function newestSnapshot(log: EventLog, place: TopicPartition): Promise<number> {
  try {
    const { earliest, next } = await log.offsets(place);
    if (next === earliest) return 0;
    const [last] = await log.read(place, next - 1, 1);
    const position = Number.parseInt(last?.key ?? '', 10);
    return Number.isSafeInteger(position) ? position : 0;
  } catch (error) {
    if (hasCode(error, 'log_unknown_partition')) return 0;
    throw error;
  }
}

export async function readAll(
  log: EventLog,
  { ends }: Moment,
  topic: TopicName,
  partition: number,
): Promise<LogRecord[]> {
  const place = { topic: physicalTopic(topic), partition };
  const end = ends.get(keyOf(place)) ?? 0;
  const all: LogRecord[] = [];
  for (let offset = 0; offset < end; ) {
    const records = await log.read(place, offset, Math.min(readRecordsMax, end - offset));
    const last = records.at(-1);
    if (last === undefined) break;
    for (const record of records) all.push(record);
    offset = last.offset + 1;
  }
  return all;
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
