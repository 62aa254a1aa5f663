import type { EventLog, LogRecord } from '@paycrawl/event-log/event-log';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import type { Done, PartitionRecords } from './audit-log.js';

const readRecordsMax = 10_000;

/** What each fold has finished with, by partition number. */
export async function readDone(log: EventLog): Promise<Done[]> {
  const name = physicalTopic('payments');
  const topic = (await log.topics()).find((one) => one.name === name);
  const all: Done[] = [];
  for (let partition = 0; partition < (topic?.partitions ?? 0); partition++) {
    all.push({
      payments: await doneBefore(log, 'verifier', 'payments', partition),
      decisions: await doneBefore(log, 'metering', 'decisions', partition),
      charges: await doneBefore(log, 'settlement', 'charges', partition),
    });
  }
  return all;
}

/** Every partition number of the payer topics, from offset 0, one at a time. */
export async function* readPartitions(
  log: EventLog,
  done: readonly Done[],
): AsyncGenerator<PartitionRecords> {
  for (const [partition, doneHere] of done.entries()) {
    yield {
      partition,
      done: doneHere,
      payments: await readAll(log, 'payments', partition),
      decisions: await readAll(log, 'decisions', partition),
      ledger: await readAll(log, 'ledger', partition),
      charges: await readAll(log, 'charges', partition),
      settlements: await readAll(log, 'settlements', partition),
    };
  }
}

async function doneBefore(
  log: EventLog,
  group: string,
  topic: TopicName,
  partition: number,
): Promise<number> {
  return (await log.committed(group, { topic: physicalTopic(topic), partition })) ?? 0;
}

export async function readAll(
  log: EventLog,
  topic: TopicName,
  partition: number,
): Promise<LogRecord[]> {
  const place = { topic: physicalTopic(topic), partition };
  const all: LogRecord[] = [];
  for (let offset = 0; ; ) {
    const records = await log.read(place, offset, readRecordsMax);
    const last = records.at(-1);
    if (last === undefined) return all;
    for (const record of records) all.push(record);
    offset = last.offset + 1;
  }
}
