import { join } from 'node:path';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { type AnyEvent, decodeEvent, encodeEvent } from '@paycrawl/events/event';
import { payerId } from '@paycrawl/events/ids';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';

/** The log of a running platform, as another process of the same machine shares it. */
export interface LogView {
  readonly log: EventLog;
  /** All events of a topic, by partition and offset. */
  events(topic: TopicName): Promise<AnyEvent[]>;
  /** Those that name this payer. */
  of(address: string, topic?: TopicName): Promise<AnyEvent[]>;
  /** Appends to a payer's partition, as an ingress would. */
  append(address: string, event: AnyEvent): Promise<void>;
  close(): Promise<void>;
}

export const devnetNetwork = 'eip155:84532';

export function openLogView(dataDir: string): LogView {
  const log = openLmdbLog({ directory: join(dataDir, 'log') });
  const events = (topic: TopicName) => readEvents(log, topic);
  return {
    ...{ log, events },
    of: async (address, topic = 'decisions') => {
      const payer = payerId(devnetNetwork, address.toLowerCase());
      const all = await events(topic);
      return all.filter(({ data }) => 'payer' in data && data.payer === payer);
    },
    append: async (address, event) => {
      const key = payerId(devnetNetwork, address.toLowerCase());
      const topic = physicalTopic('payments');
      const partition = partitionForKey(key, await partitionsOf(log, topic));
      const producer = log.producer();
      await producer.append([{ topic, partition, key, value: encodeEvent(event) }]);
      await producer.close();
    },
    close: () => log.close(),
  };
}

export async function partitionsOf(log: EventLog, topic: string): Promise<number> {
  return (await log.topics()).find(({ name }) => name === topic)?.partitions ?? 0;
}

/** All events of a topic, by partition and offset; a repeated output as often as it stands there. */
export async function readEvents(log: EventLog, name: TopicName): Promise<AnyEvent[]> {
  const topic = physicalTopic(name);
  const events: AnyEvent[] = [];
  for (let partition = 0; partition < (await partitionsOf(log, topic)); partition += 1) {
    const { earliest } = await log.offsets({ topic, partition });
    for (let offset = earliest; ; ) {
      const records = await log.read({ topic, partition }, offset, 1_000);
      const last = records.at(-1);
      if (last === undefined) break;
      for (const { value } of records) {
        const decoded = decodeEvent(value);
        if (decoded.kind === 'event') events.push(decoded.event);
      }
      offset = last.offset + 1;
    }
  }
  return events;
}
