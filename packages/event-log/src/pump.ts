import type { LogRecord, TopicPartition } from './event-log.js';

/** What a reader needs of an adapter whose reads are local and therefore synchronous. */
export interface RecordSource {
  /** Empty while nothing new was rung. Readers of one process may get the very same objects. */
  read(partition: TopicPartition, fromOffset: number, recordsMax: number): readonly LogRecord[];
  subscribe(topic: string, partition: number, listener: () => void): () => void;
  /** Lets other work of the process run between two batches. */
  breathe(): Promise<void>;
}

export interface PumpOptions extends TopicPartition {
  readonly fromOffset: number;
  readonly batchRecordsMax: number;
  /** After a batch that was not full the next one gathers this long. */
  readonly lingerMs?: number | undefined;
  onRecords(records: readonly LogRecord[]): Promise<void>;
  onError(error: unknown): void;
}

export interface Pump {
  /** Resolves after the batch that is being handled. */
  stop(): Promise<void>;
}

export const batchRecordsMaxDefault = 1_000;

/** Reads one partition from an offset for ever: one batch at a time, asleep at the end. */
export function startPump(source: RecordSource, options: PumpOptions): Pump {
  const bell = createBell();
  const unsubscribe = source.subscribe(options.topic, options.partition, bell.ring);
  const stopping = new AbortController();
  const done = run(source, options, bell, stopping.signal).finally(unsubscribe);
  return {
    stop() {
      stopping.abort();
      bell.ring();
      return done;
    },
  };
}

async function run(
  source: RecordSource,
  options: PumpOptions,
  bell: Bell,
  stopping: AbortSignal,
): Promise<void> {
  const { onRecords, onError, batchRecordsMax, lingerMs = 0 } = options;
  let offset = options.fromOffset;
  try {
    while (!stopping.aborted) {
      // Lowered before the read: a commit during the read rings again and is not missed.
      bell.lower();
      const records = source.read(options, offset, batchRecordsMax);
      const last = records.at(-1);
      if (last === undefined) {
        await bell.rung();
        continue;
      }
      await onRecords(records);
      offset = last.offset + 1;
      const gathers = lingerMs > 0 && records.length < batchRecordsMax;
      await (gathers ? pause(lingerMs, stopping) : source.breathe());
    }
  } catch (error) {
    onError(error);
  }
}

function pause(pauseMs: number, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stopping.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, pauseMs);
    stopping.addEventListener('abort', end);
    if (stopping.aborted) end();
  });
}

interface Bell {
  ring(): void;
  lower(): void;
  rung(): Promise<void>;
}

function createBell(): Bell {
  let isRung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      isRung = true;
      wake?.();
      wake = undefined;
    },
    lower() {
      isRung = false;
    },
    rung() {
      if (isRung) return Promise.resolve();
      return new Promise<void>((resolve) => {
        wake = resolve;
      });
    },
  };
}
