import { randomUUID } from 'node:crypto';
import type { EventLog } from '@paycrawl/event-log/event-log';
import {
  type AnyEvent,
  decodeEvent,
  type EventOfType,
  encodeEvent,
  type RegistryEvent,
} from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import type { PriceBook } from '@paycrawl/pricing/price-book';

type Registered = EventOfType<'PublisherRegistered'>['data'];

/**
 * Registers the publisher, unless the registry says exactly this already; the first time also its
 * price book. A book that the publisher replaced later is left alone.
 */
export async function setUpPublisher(
  log: EventLog,
  publisher: Registered,
  firstBook: PriceBook,
  nowMs: number,
): Promise<void> {
  const events = await registryEvents(log);
  const mine = events.filter(
    (event) => 'publisherId' in event.data && event.data.publisherId === publisher.publisherId,
  );
  const registered = mine.findLast((event) => event.type === 'PublisherRegistered');
  const hasBook = mine.some((event) => event.type === 'PriceBookReplaced');
  const { publisherId } = publisher;
  const additions: AnyEvent[] = [];
  if (JSON.stringify(registered?.data) !== JSON.stringify(publisher)) {
    additions.push(registryEvent('PublisherRegistered', publisher, nowMs));
  }
  if (!hasBook) {
    const data = { publisherId, version: 1, book: { ...firstBook } };
    additions.push(registryEvent('PriceBookReplaced', data, nowMs));
  }
  if (additions.length === 0) return;
  const producer = log.producer();
  const topic = physicalTopic('registry');
  await producer.append(
    additions.map((event) => ({
      topic,
      partition: 0,
      key: publisherId,
      value: encodeEvent(event),
    })),
  );
  await producer.close();
}

function registryEvent(type: RegistryEvent['type'], data: unknown, timeMs: number): AnyEvent {
  return { type, id: randomUUID(), source: 'standalone', timeMs, data } as AnyEvent;
}

async function registryEvents(log: EventLog): Promise<RegistryEvent[]> {
  const source = { topic: physicalTopic('registry'), partition: 0 };
  const { earliest, next } = await log.offsets(source);
  const events: RegistryEvent[] = [];
  for (let offset = earliest; offset < next; ) {
    const records = await log.read(source, offset, 1000);
    if (records.length === 0) break;
    for (const { value } of records) {
      const decoded = decodeEvent(value);
      if (decoded.kind === 'event') events.push(decoded.event as RegistryEvent);
    }
    offset = (records.at(-1)?.offset ?? next) + 1;
  }
  return events;
}
