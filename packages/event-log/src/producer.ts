import { fail, type PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { Appended, NewRecord, Producer, ProducerOptions } from './event-log.js';

/** An append of records of one topic, on its way to an adapter. */
export interface Pending {
  readonly records: readonly NewRecord[];
  /** Filled in by the adapter, in the order of `records`, before it resolves. */
  readonly appended: readonly MutableAppended[];
  /** Shared by all appends of a producer: after one failed, no later one is written. */
  readonly producer: ProducerState;
  resolve(): void;
  reject(error: unknown): void;
}

export type MutableAppended = { -readonly [K in keyof Appended]: Appended[K] };

export interface ProducerState {
  /** Why this producer is finished; its appends that still wait are not written. */
  dead: PaycrawlError | undefined;
  readonly lingerMs: number;
}

export interface ProducerPort {
  /** Fails with `log_unknown_partition` before anything is enqueued. */
  check(record: NewRecord): void;
  enqueue(topic: string, pending: Pending): void;
}

const queueRecordsMaxDefault = 65_536;

interface ProducerParts {
  readonly port: ProducerPort;
  readonly queueRecordsMax: number;
  readonly state: ProducerState;
  readonly waiting: { records: number; readonly drained: Set<() => void> };
}

/** The bookkeeping of a producer that all adapters share: bounds, order, death after a failure. */
export function createProducer(port: ProducerPort, options: ProducerOptions = {}): Producer {
  const parts: ProducerParts = {
    port,
    queueRecordsMax: options.queueRecordsMax ?? queueRecordsMaxDefault,
    state: { dead: undefined, lingerMs: options.lingerMs ?? 0 },
    waiting: { records: 0, drained: new Set() },
  };
  return {
    append: (records) => append(parts, records),
    discard() {
      parts.state.dead ??= fail('log_unavailable', 'The producer was discarded.');
    },
    async close() {
      const { waiting, state } = parts;
      // What was accepted is written; what comes from now on is refused.
      if (waiting.records > 0) {
        await new Promise<void>((resolve) => waiting.drained.add(resolve));
      }
      state.dead ??= fail('log_closed', 'The producer is closed.');
    },
  };
}

function append(parts: ProducerParts, records: readonly NewRecord[]): Promise<Appended[]> {
  try {
    return admit(parts, records);
  } catch (error) {
    return Promise.reject(error);
  }
}

function admit(parts: ProducerParts, records: readonly NewRecord[]): Promise<Appended[]> {
  const { port, state, waiting, queueRecordsMax } = parts;
  if (state.dead !== undefined) throw state.dead;
  const first = records[0];
  if (first === undefined) return Promise.resolve([]);
  let isOneTopic = true;
  for (const record of records) {
    port.check(record);
    if (record.topic !== first.topic) isOneTopic = false;
  }
  if (waiting.records + records.length > queueRecordsMax) {
    throw fail('log_overloaded', 'Too many records are waiting to become durable.');
  }
  waiting.records += records.length;
  const appended = records.map(unplaced);
  if (isOneTopic) return enqueue(parts, first.topic, records, appended);
  return enqueueTopics(parts, records, appended);
}

function unplaced({ topic, partition }: NewRecord): MutableAppended {
  return { topic, partition, offset: -1, timestampMs: 0 };
}

function enqueue(
  parts: ProducerParts,
  topic: string,
  records: readonly NewRecord[],
  appended: MutableAppended[],
): Promise<Appended[]> {
  return new Promise((resolve, reject) => {
    parts.port.enqueue(topic, {
      records,
      appended,
      producer: parts.state,
      resolve() {
        settle(parts, records.length);
        resolve(appended);
      },
      reject(error) {
        settle(parts, records.length);
        reject(error);
      },
    });
  });
}

async function enqueueTopics(
  parts: ProducerParts,
  records: readonly NewRecord[],
  appended: MutableAppended[],
): Promise<Appended[]> {
  const byTopic = new Map<string, { records: NewRecord[]; appended: MutableAppended[] }>();
  records.forEach((record, index) => {
    const share = byTopic.get(record.topic) ?? { records: [], appended: [] };
    byTopic.set(record.topic, share);
    const place = appended[index];
    share.records.push(record);
    if (place !== undefined) share.appended.push(place);
  });
  const shares = [...byTopic].map(([topic, share]) =>
    enqueue(parts, topic, share.records, share.appended),
  );
  await Promise.all(shares);
  return appended;
}

function settle({ waiting }: ProducerParts, records: number): void {
  waiting.records -= records;
  if (waiting.records > 0) return;
  for (const resolve of waiting.drained) resolve();
  waiting.drained.clear();
}
