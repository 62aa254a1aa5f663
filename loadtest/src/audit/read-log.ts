import { hasCode } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, LogRecord, TopicPartition } from '@paycrawl/event-log/event-log';
import { readGeneration } from '@paycrawl/event-log/generation';
import { groupOf, physicalTopic, type TopicName } from '@paycrawl/events/topics';
import type { Done, PartitionRecords } from './audit-log.js';

const readRecordsMax = 10_000;

/** The log at one moment: what was appended later is not looked at, so that a reading ends. */
export interface Moment {
  /** Oldest first. */
  readonly generations: readonly GenerationMoment[];
  /** Where `topic/partition` ended. */
  readonly ends: ReadonlyMap<string, number>;
}

interface GenerationMoment {
  readonly generation: number;
  /** What each fold has certainly finished with, by partition number. */
  readonly done: readonly Done[];
}

const audited = ['payments', 'decisions', 'ledger', 'charges', 'settlements'] as const;

/**
 * What the folds have finished with is asked first and the ends after it, so that everything that
 * is judged has its outputs and dead letters among what is read.
 */
export async function momentOf(log: EventLog): Promise<Moment> {
  const generations = await readGenerations(log);
  const ends = new Map<string, number>();
  const endOf = async (topic: string, partition: number): Promise<void> => {
    const place = { topic, partition };
    ends.set(keyOf(place), (await log.offsets(place)).next);
  };
  for (const { generation, done } of generations) {
    for (let partition = 0; partition < done.length; partition++) {
      const topics = audited.map((topic) => physicalTopic(topic, generation));
      await Promise.all(topics.map((topic) => endOf(topic, partition)));
    }
  }
  await endOf(physicalTopic('dead-letters'), 0);
  return { generations, ends };
}

async function readGenerations(log: EventLog): Promise<GenerationMoment[]> {
  const newest = (await readGeneration(log)).generation;
  const topics = await log.topics();
  const generations: GenerationMoment[] = [];
  for (let generation = 1; generation <= newest; generation++) {
    const name = physicalTopic('payments', generation);
    const partitions = topics.find((one) => one.name === name)?.partitions ?? 0;
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    // A generation is closed when every fold has finished with all of it.
    const ofOne = (partition: number) =>
      generation < newest ? doneWithAll : doneOf(log, generation, partition);
    generations.push({ generation, done: await Promise.all(numbers.map(ofOne)) });
  }
  return generations;
}

const doneWithAll: Done = {
  payments: Number.POSITIVE_INFINITY,
  decisions: Number.POSITIVE_INFINITY,
  charges: Number.POSITIVE_INFINITY,
};

async function doneOf(log: EventLog, generation: number, partition: number): Promise<Done> {
  const place = (topic: TopicName) => ({ topic: physicalTopic(topic, generation), partition });
  const [payments, decisions, charges] = await Promise.all([
    doneBefore(log, 'verifier', place('payments'), place('snapshots-verifier')),
    doneBefore(log, 'metering', place('decisions'), place('snapshots-metering')),
    doneBefore(log, 'settlement', place('charges'), place('snapshots-settlement')),
  ]);
  return { payments, decisions, charges };
}

/** Every partition of the payer topics, from offset 0, one at a time in memory. */
export async function* readPartitions(
  log: EventLog,
  moment: Moment,
): AsyncGenerator<PartitionRecords> {
  const isGrown = moment.generations.length > 1;
  for (const { generation, done } of moment.generations) {
    for (const [partition, doneHere] of done.entries()) {
      const read = (topic: TopicName) =>
        readAll(log, moment, { topic: physicalTopic(topic, generation), partition });
      yield {
        ...{ generation, partition, isGrown, done: doneHere },
        payments: await read('payments'),
        decisions: await read('decisions'),
        ledger: await read('ledger'),
        charges: await read('charges'),
        settlements: await read('settlements'),
      };
    }
  }
}

/**
 * A group's commit, or the position of its newest snapshot: brokers forget the commits of a group
 * that nobody belongs to, and a snapshot too is only made of what has its outputs in the log.
 */
async function doneBefore(
  log: EventLog,
  group: string,
  input: TopicPartition,
  snapshots: TopicPartition,
): Promise<number> {
  const committed = await log.committed(groupOf(group, input.topic), input);
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
  place: TopicPartition,
): Promise<LogRecord[]> {
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
