import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { physicalTopic } from '@paycrawl/events/topics';
import { afterClose, type Closed } from './after-close.js';

/**
 * Outcomes that an ingress appended to the old generation after it was closed are appended to the
 * one that followed. They carry their writer's id, so that any number of times is as good as once.
 */
export async function carryStragglers(closed: Closed): Promise<number> {
  const topic = physicalTopic('payments', closed.generation + 1);
  const producer = closed.log.producer();
  let carried = 0;
  try {
    for await (const { event, record } of afterClose(closed, 'payments')) {
      switch (event.type) {
        case 'DeliveryStarted':
        case 'CrawlDelivered':
        case 'CrawlNotDelivered': {
          const { payer } = event.data;
          const partition = partitionForKey(payer, closed.partitions);
          const value = Buffer.from(record.value);
          await producer.append([{ topic, partition, key: payer, value }]);
          carried += 1;
        }
      }
    }
  } finally {
    await producer.close();
  }
  return carried;
}
