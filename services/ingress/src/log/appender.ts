import { fail, hasCode } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, NewRecord, Producer } from '@paycrawl/event-log/event-log';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';

/** An event with where it goes; the key decides the partition. */
export interface Addressed {
  readonly topic: 'challenges' | 'payments';
  readonly key: string;
  readonly event: AnyEvent;
}

export interface Appender {
  /** Resolves when durable; fails with `log_unavailable` or `log_overloaded`, in bounded time. */
  append(events: readonly Addressed[]): Promise<void>;
  partitionOf(topic: Addressed['topic'], key: string): number;
  /** Records that are on their way. */
  waiting(topic: Addressed['topic']): number;
  close(): Promise<void>;
}

export interface AppenderOptions {
  readonly log: EventLog;
  /** A client does not wait for the log longer than this. */
  readonly timeoutMs: number;
  readonly partitions: { readonly payer: number; readonly publisher: number };
}

/** One producer at a time: one that failed is finished, and the next append makes a new one. */
export function createAppender(options: AppenderOptions): Appender {
  const { log, timeoutMs, partitions } = options;
  let producer: Producer | undefined;
  const waiting = { challenges: 0, payments: 0 };
  const partitionOf = (topic: Addressed['topic'], key: string): number =>
    partitionForKey(key, topic === 'payments' ? partitions.payer : partitions.publisher);
  const recordOf = ({ topic, key, event }: Addressed): NewRecord => ({
    topic: physicalTopic(topic),
    partition: partitionOf(topic, key),
    key,
    value: encodeEvent(event),
  });
  return {
    partitionOf,
    async append(events) {
      producer ??= log.producer();
      const used = producer;
      for (const { topic } of events) waiting[topic] += 1;
      try {
        await inTime(used.append(events.map(recordOf)), timeoutMs);
      } catch (error) {
        if (hasCode(error, 'log_overloaded')) throw error;
        if (producer === used) {
          producer = undefined;
          // What it holds must not be written behind what is reported of it from here on.
          used.discard();
        }
        throw fail('log_unavailable', 'The event log did not take the record.', { cause: error });
      } finally {
        for (const { topic } of events) waiting[topic] -= 1;
      }
    },
    waiting: (topic) => waiting[topic],
    async close() {
      await producer?.close();
      producer = undefined;
    },
  };
}

function inTime(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(fail('log_unavailable', 'The event log did not answer in time.')),
      timeoutMs,
    );
    work.then(
      () => {
        clearTimeout(timer);
        resolve();
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
