import type { EventLog, Producer } from '@paycrawl/event-log/event-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';

/** Publishes what settlement measured. */
export interface RegistryWriter {
  append(event: AnyEvent): Promise<void>;
  close(): Promise<void>;
}

export function createRegistryWriter(log: EventLog): RegistryWriter {
  let producer: Producer | undefined;
  return {
    append: async (event) => {
      producer ??= log.producer();
      const used = producer;
      const topic = physicalTopic('registry');
      try {
        await used.append([{ topic, partition: 0, key: event.source, value: encodeEvent(event) }]);
      } catch (error) {
        // A producer that failed is finished; a measure that is lost is measured again.
        if (producer === used) producer = undefined;
        await used.close();
        throw error;
      }
    },
    close: async () => {
      await producer?.close();
    },
  };
}
