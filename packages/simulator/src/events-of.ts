import { isApplied } from '@paycrawl/events/envelope';
import { type AnyEvent, decodeEvent } from '@paycrawl/events/event';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import type { World } from './world.js';

export interface Stood {
  readonly partition: number;
  readonly offset: number;
  readonly event: AnyEvent;
}

/** The events of a topic as every consumer must see them: repetitions dropped by cause. */
export function eventsOf({ plan, broker }: World, topic: TopicName): Stood[] {
  const found: Stood[] = [];
  for (let partition = 0; partition < plan.partitions; partition++) {
    const applied = new Map<string, { offset: number; index: number }>();
    for (const { offset, value } of broker.all({ topic: physicalTopic(topic), partition })) {
      const decoded = decodeEvent(value);
      if (decoded.kind !== 'event') continue;
      const { event } = decoded;
      if (event.cause !== undefined) {
        const source = `${event.cause[0]}/${event.cause[1]}`;
        if (isApplied(applied.get(source), event.cause)) continue;
        applied.set(source, { offset: event.cause[2], index: event.cause[3] });
      }
      found.push({ partition, offset, event });
    }
  }
  return found;
}
