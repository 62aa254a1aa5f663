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
  /**
   * Resolves when durable; fails with `log_unavailable` or `log_overloaded`, in bounded time: that
   * of the options, or up to a quarter of it later.
   */
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

/** An append that is not durable yet. */
interface Wait {
  /** Where it stands among the others; below 0 it is over. */
  place: number;
  readonly events: readonly Addressed[];
  readonly producer: Producer;
  readonly sinceMs: number;
  resolve(): void;
  reject(error: unknown): void;
}

interface State {
  readonly options: AppenderOptions;
  producer: Producer | undefined;
  /**
   * In no order. A Set that so much passes through leaves a chain of its old tables to the
   * collector, and with them all that was ever in it.
   */
  readonly waits: Wait[];
  readonly waiting: Record<Addressed['topic'], number>;
}

/** One producer at a time: one that failed is finished, and the next append makes a new one. */
export function createAppender(options: AppenderOptions): Appender {
  const state: State = {
    ...{ options, producer: undefined, waits: [] },
    waiting: { challenges: 0, payments: 0 },
  };
  // One look at all of them: a timer for each costs more than its append.
  const looking = setInterval(() => endLate(state), options.timeoutMs / 4).unref();
  return {
    partitionOf: (topic, key) => partitionOf(options, topic, key),
    append: (events) => append(state, events),
    waiting: (topic) => state.waiting[topic],
    async close() {
      await state.producer?.close();
      state.producer = undefined;
      clearInterval(looking);
    },
  };
}

function partitionOf({ partitions }: AppenderOptions, topic: string, key: string): number {
  return partitionForKey(key, topic === 'payments' ? partitions.payer : partitions.publisher);
}

function append(state: State, events: readonly Addressed[]): Promise<void> {
  const { options, waits, waiting } = state;
  state.producer ??= options.log.producer();
  const { producer } = state;
  const records = events.map((event) => recordOf(options, event));
  for (const { topic } of events) waiting[topic] += 1;
  return new Promise((resolve, reject) => {
    const sinceMs = performance.now();
    const wait: Wait = { place: waits.length, events, producer, sinceMs, resolve, reject };
    waits.push(wait);
    producer.append(records).then(
      () => {
        if (isOver(state, wait)) resolve();
      },
      (error: unknown) => fails(state, wait, error),
    );
  });
}

function recordOf(options: AppenderOptions, { topic, key, event }: Addressed): NewRecord {
  return {
    topic: physicalTopic(topic),
    partition: partitionOf(options, topic, key),
    key,
    value: encodeEvent(event),
  };
}

/** False where it was over before. */
function isOver({ waits, waiting }: State, wait: Wait): boolean {
  if (wait.place < 0) return false;
  const last = waits.pop() as Wait;
  if (last !== wait) {
    waits[wait.place] = last;
    last.place = wait.place;
  }
  wait.place = -1;
  for (const { topic } of wait.events) waiting[topic] -= 1;
  return true;
}

function fails(state: State, wait: Wait, error: unknown): void {
  if (!isOver(state, wait)) return;
  if (hasCode(error, 'log_overloaded')) return wait.reject(error);
  const { producer } = wait;
  if (state.producer === producer) {
    state.producer = undefined;
    // What it holds must not be written behind what is reported of it from here on.
    producer.discard();
  }
  const problem = 'The event log did not take the record.';
  wait.reject(fail('log_unavailable', problem, { cause: error }));
}

function endLate(state: State): void {
  const lateBefore = performance.now() - state.options.timeoutMs;
  for (const wait of state.waits.filter(({ sinceMs }) => sinceMs <= lateBefore)) {
    fails(state, wait, fail('log_unavailable', 'The event log did not answer in time.'));
  }
}
