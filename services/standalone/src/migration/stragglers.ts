import type { EventLog, NewRecord } from '@paycrawl/event-log/event-log';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { decodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';

const readRecords = 1_000;

/**
 * Outcomes that an ingress appended to the old generation after it was closed are appended to the
 * one that followed. They carry their writer's id, so that any number of times is as good as once.
 */
export async function carryStragglers(of: {
  readonly log: EventLog;
  /** The closed one. */
  readonly generation: number;
  /** Of the one after it. */
  readonly partitions: number;
}): Promise<number> {
  const { log, generation, partitions } = of;
  const from = physicalTopic('payments', generation);
  const topic = physicalTopic('payments', generation + 1);
  const count = (await log.topics()).find(({ name }) => name === from)?.partitions ?? 0;
  const producer = log.producer();
  let carried = 0;
  try {
    for (let partition = 0; partition < count; partition += 1) {
      for await (const { payer, value } of outcomesAfterClose(log, { topic: from, partition })) {
        const to = partitionForKey(payer, partitions);
        const record: NewRecord = { topic, partition: to, key: payer, value };
        await producer.append([record]);
        carried += 1;
      }
    }
  } finally {
    await producer.close();
  }
  return carried;
}

async function* outcomesAfterClose(
  log: EventLog,
  source: { topic: string; partition: number },
): AsyncGenerator<{ payer: string; value: Buffer }> {
  const { earliest, next } = await log.offsets(source);
  let isClosed = false;
  for (let offset = earliest; offset < next; ) {
    const records = await log.read(source, offset, readRecords);
    const last = records.at(-1);
    if (last === undefined) return;
    for (const { value } of records) {
      const decoded = decodeEvent(value);
      if (decoded.kind !== 'event' || decoded.event.cause !== undefined) continue;
      const { event } = decoded;
      if (event.type === 'PartitionClosed') isClosed = true;
      if (!isClosed) continue;
      switch (event.type) {
        case 'DeliveryStarted':
        case 'CrawlDelivered':
        case 'CrawlNotDelivered':
          yield { payer: event.data.payer, value: Buffer.from(value) };
      }
    }
    offset = last.offset + 1;
  }
}
