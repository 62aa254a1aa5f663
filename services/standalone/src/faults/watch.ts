import type { EventLog } from '@paycrawl/event-log/event-log';
import type { AnyEvent, decodeEvent, EventOfType } from '@paycrawl/events/event';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';

/** Follows topics from beside the platform: when each record came, and what must not be lost. */
export interface Watch {
  /** Moments (of `performance.now`) at which records of the topic arrived. */
  times(topic: WatchedTopic): readonly number[];
  /** Charges that were posted, and those that reached their end. */
  readonly charged: ReadonlySet<string>;
  readonly ended: ReadonlySet<string>;
  /** Sum of those that were posted, atomic units. */
  chargedAtomic(): bigint;
  /** Whoever wants to see each event as it comes. */
  onEvent(listener: (event: AnyEvent, topic: WatchedTopic) => void): () => void;
  close(): Promise<void>;
}

const watched = ['payments', 'decisions', 'ledger', 'settlements'] as const;
export type WatchedTopic = (typeof watched)[number];

export async function startWatch(
  log: EventLog,
  decode: typeof decodeEvent,
  onError: (error: unknown) => void,
): Promise<Watch> {
  const times = new Map<WatchedTopic, number[]>(watched.map((topic) => [topic, []]));
  const charged = new Set<string>();
  const ended = new Set<string>();
  const listeners = new Set<(event: AnyEvent, topic: WatchedTopic) => void>();
  let chargedAtomic = 0n;
  const post = ({ chargeId, amount }: EventOfType<'ChargePosted'>['data']): void => {
    // A zombie writes the same outputs again.
    if (charged.has(chargeId)) return;
    charged.add(chargeId);
    chargedAtomic += BigInt(amount);
  };
  const follow = async (topic: WatchedTopic, partition: number) =>
    log.tail({
      ...{ topic: physicalTopic(topic), partition, fromOffset: 0, onError },
      onRecords: async (records) => {
        const nowMs = performance.now();
        for (const { value } of records) {
          times.get(topic)?.push(nowMs);
          const decoded = decode(value);
          if (decoded.kind !== 'event') continue;
          const { event } = decoded;
          if (event.type === 'ChargePosted') post(event.data);
          if (event.type === 'ChargeSettled') ended.add(event.data.chargeId);
          if (event.type === 'ChargeUncollectible') ended.add(event.data.chargeId);
          for (const listener of listeners) listener(event, topic);
        }
      },
    });
  const places = await placesOf(log);
  const tails = await Promise.all(places.map(({ topic, partition }) => follow(topic, partition)));
  return {
    times: (topic) => times.get(topic) ?? [],
    ...{ charged, ended, chargedAtomic: () => chargedAtomic },
    onEvent: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      await Promise.all(tails.map((tail) => tail.close()));
    },
  };
}

async function placesOf(log: EventLog): Promise<{ topic: WatchedTopic; partition: number }[]> {
  const topics = await log.topics();
  return watched.flatMap((topic) => {
    const name = physicalTopic(topic satisfies TopicName);
    const partitions = topics.find((one) => one.name === name)?.partitions ?? 0;
    return Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  });
}
