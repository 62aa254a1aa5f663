import type { EventLog, LogRecord, NewRecord, TopicPartition } from './event-log.js';

export interface ContractFixture {
  log(): EventLog;
  dispose(): Promise<void>;
  /** Ends the log and opens it again on what it kept; absent where nothing is kept. */
  reopen?(): Promise<void>;
  /** Sets the clock that append times come from; absent where it is the broker's. */
  setClockMs?(nowMs: number): void;
  /** Expires what is older than the retention now; absent where only the broker does. */
  expire?(): Promise<void>;
}

export interface Context {
  fixture: ContractFixture;
  newTopic(partitions?: number, retentionMs?: number | 'forever'): Promise<string>;
}

export function record(topic: string, partition: number, key: string, value = key): NewRecord {
  return { topic, partition, key, value: Buffer.from(value) };
}

export async function readAll(
  log: EventLog,
  place: TopicPartition,
  batch = 7,
): Promise<LogRecord[]> {
  const out: LogRecord[] = [];
  for (;;) {
    const records = await log.read(place, (out.at(-1)?.offset ?? -1) + 1, batch);
    if (records.length === 0) return out;
    out.push(...records);
  }
}

export function keysOf(records: readonly LogRecord[]): string[] {
  return records.map(({ key }) => key);
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

export function openGate(): { opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
