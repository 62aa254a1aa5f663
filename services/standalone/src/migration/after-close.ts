import type { EventLog, LogRecord, TopicPartition } from '@paycrawl/event-log/event-log';
import { type AnyEvent, decodeEvent } from '@paycrawl/events/event';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';

/** A generation that is closed, and the partitions of the one after it. */
export interface Closed {
  readonly log: EventLog;
  readonly generation: number;
  readonly partitions: number;
}

export interface Late {
  readonly record: LogRecord;
  readonly event: AnyEvent;
}

const readRecords = 1_000;

/** What no fold caused and what was appended after the close, partition by partition. */
export async function* afterClose(
  { log, generation }: Closed,
  topic: TopicName,
): AsyncGenerator<Late> {
  for await (const source of partitionsOf(log, physicalTopic(topic, generation))) {
    let isClosed = false;
    for await (const late of causelessOf(log, source)) {
      if (isClosed) yield late;
      else isClosed = late.event.type === 'PartitionClosed';
    }
  }
}

export async function* causelessOf(log: EventLog, source: TopicPartition): AsyncGenerator<Late> {
  const { earliest, next } = await log.offsets(source);
  for (let offset = earliest; offset < next; ) {
    const records = await log.read(source, offset, readRecords);
    const last = records.at(-1);
    if (last === undefined) return;
    for (const record of records) {
      const decoded = decodeEvent(record.value);
      if (decoded.kind !== 'event' || decoded.event.cause !== undefined) continue;
      yield { record, event: decoded.event };
    }
    offset = last.offset + 1;
  }
}

export async function* partitionsOf(log: EventLog, topic: string): AsyncGenerator<TopicPartition> {
  const count = (await log.topics()).find(({ name }) => name === topic)?.partitions ?? 0;
  for (let partition = 0; partition < count; partition += 1) yield { topic, partition };
}
