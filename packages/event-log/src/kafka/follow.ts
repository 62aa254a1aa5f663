import type { LogRecord, TopicPartition } from '../event-log.js';
import { batchRecordsMaxDefault, type Pump } from '../pump.js';
import type { Cluster } from './cluster.js';
import { pause } from './patience.js';
import { createReader, type Reader } from './reader.js';

export interface FollowOptions extends TopicPartition {
  readonly fromOffset: number;
  readonly batchRecordsMax?: number | undefined;
  /** Records may gather this long before they are asked for. */
  readonly lingerMs?: number | undefined;
  onRecords(records: readonly LogRecord[]): Promise<void>;
  onError(error: unknown): void;
}

/** Hands out a partition batch by batch for ever, reading one fetch ahead of the handler. */
export function follow(cluster: Cluster, options: FollowOptions): Pump {
  const reader = createReader(cluster, options);
  const state = { isStopping: false };
  const done = run(reader, options, state).finally(() => reader.close());
  return {
    stop() {
      state.isStopping = true;
      reader.close();
      return done;
    },
  };
}

async function run(
  reader: Reader,
  options: FollowOptions,
  state: { isStopping: boolean },
): Promise<void> {
  const { fromOffset, batchRecordsMax = batchRecordsMaxDefault, lingerMs = 0 } = options;
  try {
    let fetching = reader.next(fromOffset);
    while (!state.isStopping) {
      const records = await fetching;
      const last = records.at(-1);
      if (last === undefined) return;
      // Who is far behind does not wait: whole batches are there already.
      const waitMs = records.length < batchRecordsMax ? lingerMs : 0;
      fetching = nextAfter(reader, waitMs, last.offset + 1);
      // Its failure is of interest only when its turn comes.
      fetching.catch(() => undefined);
      for (let at = 0; at < records.length && !state.isStopping; at += batchRecordsMax) {
        await options.onRecords(records.slice(at, at + batchRecordsMax));
      }
    }
  } catch (error) {
    options.onError(error);
  }
}

async function nextAfter(reader: Reader, waitMs: number, offset: number): Promise<LogRecord[]> {
  if (waitMs > 0) await pause(waitMs);
  return reader.next(offset);
}
