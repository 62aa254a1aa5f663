import { fail } from '@paycrawl/errors/paycrawl-error';
import type {
  Appended,
  LogRecord,
  NewRecord,
  TopicConfig,
  TopicPartition,
} from '@paycrawl/event-log/event-log';

/** The log itself: what stands in it, durable and in order. Whoever writes comes through a port. */
export interface Broker {
  readonly topics: ReadonlyMap<string, TopicConfig>;
  createTopics(topics: readonly TopicConfig[]): void;
  append(records: readonly NewRecord[]): Appended[];
  read(place: TopicPartition, fromOffset: number, recordsMax: number): LogRecord[];
  offsets(place: TopicPartition): { earliest: number; next: number };
  /** Calls once, at the next append to the partition. */
  onNext(place: TopicPartition, listener: () => void): void;
  /** Records before the offset are forgotten. */
  expire(place: TopicPartition, beforeOffset: number): void;
  all(place: TopicPartition): readonly LogRecord[];
  /** The clock of the broker jumps. */
  moveClock(byMs: number): void;
}

interface Kept {
  earliest: number;
  lastMs: number;
  readonly records: LogRecord[];
  listeners: (() => void)[];
}

/**
 * `isMonotonic`: the append time of a partition never goes back. On Kafka it may, with the clock of
 * a new leader, so folds take the running maximum.
 */
export function createBroker(
  clock: () => number,
  onAppended: (record: LogRecord) => void,
  isMonotonic: boolean,
): Broker {
  const topics = new Map<string, TopicConfig>();
  const partitions = new Map<string, Kept>();
  let offsetMs = 0;

  function kept({ topic, partition }: TopicPartition): Kept {
    const found = partitions.get(`${topic}/${partition}`);
    if (found !== undefined) return found;
    throw fail('log_unknown_partition', `There is no ${topic}/${partition}.`);
  }

  function appendOne(record: NewRecord): Appended {
    const target = kept(record);
    const nowMs = Math.floor(clock() + offsetMs);
    const timestampMs = isMonotonic ? Math.max(target.lastMs, nowMs) : nowMs;
    target.lastMs = timestampMs;
    const offset = target.earliest + target.records.length;
    const { topic, partition, key } = record;
    const value = Buffer.from(record.value);
    const stands = { topic, partition, key, value, offset, timestampMs };
    target.records.push(stands);
    onAppended(stands);
    const listeners = target.listeners;
    target.listeners = [];
    for (const listener of listeners) listener();
    return { topic, partition, offset, timestampMs };
  }

  return {
    topics,
    createTopics(configs) {
      for (const config of configs) {
        topics.set(config.name, config);
        for (let partition = 0; partition < config.partitions; partition++) {
          const empty: Kept = { earliest: 0, lastMs: 0, records: [], listeners: [] };
          partitions.set(`${config.name}/${partition}`, empty);
        }
      }
    },
    append: (records) => records.map(appendOne),
    read(place, fromOffset, recordsMax) {
      const { earliest, records } = kept(place);
      const from = Math.max(0, fromOffset - earliest);
      return records.slice(from, from + recordsMax);
    },
    offsets(place) {
      const { earliest, records } = kept(place);
      return { earliest, next: earliest + records.length };
    },
    onNext: (place, listener) => void kept(place).listeners.push(listener),
    expire(place, beforeOffset) {
      const target = kept(place);
      const expired = Math.min(Math.max(0, beforeOffset - target.earliest), target.records.length);
      target.records.splice(0, expired);
      target.earliest += expired;
    },
    all: (place) => kept(place).records,
    moveClock: (byMs) => {
      offsetMs += byMs;
    },
  };
}
