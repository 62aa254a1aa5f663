import { fail, hasCode, type PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { Appended, NewRecord, Producer, ProducerOptions } from '../event-log.js';
import { isRefusal } from '../refusal.js';
import type { Cluster } from './cluster.js';
import { createDelivery, type Delivery } from './delivery.js';
import { pause } from './patience.js';
import { appendBytesMax } from './settings.js';
import { addCall, type Batch, type Call, emptyBatch } from './share.js';

const queueRecordsMaxDefault = 65_536;

interface State {
  readonly cluster: Cluster;
  readonly delivery: Delivery;
  readonly queueRecordsMax: number;
  readonly lingerMs: number;
  readonly queue: Call[];
  readonly drained: Set<() => void>;
  waitingRecords: number;
  isPumping: boolean;
  /** Why this producer is finished. */
  dead: PaycrawlError | undefined;
}

/**
 * Appends in batches, one batch in flight: what comes while a batch is on its way is the next
 * one, so there is no lingering where somebody waits. A batch is never changed and nothing follows
 * it before it was acknowledged; if it is not in time, this producer is finished and what it had is
 * unknown.
 */
export function createKafkaProducer(cluster: Cluster, options: ProducerOptions = {}): Producer {
  const state: State = {
    cluster,
    delivery: createDelivery(cluster),
    queueRecordsMax: options.queueRecordsMax ?? queueRecordsMaxDefault,
    lingerMs: options.lingerMs ?? 0,
    queue: [],
    drained: new Set(),
    waitingRecords: 0,
    isPumping: false,
    dead: undefined,
  };
  return {
    append: (records) => append(state, records),
    discard: () => die(state, [], fail('log_unavailable', 'The producer was discarded.')),
    async close() {
      // What was accepted is written; what comes from now on is refused.
      if (state.waitingRecords > 0) {
        await new Promise<void>((resolve) => state.drained.add(resolve));
      }
      state.dead ??= fail('log_closed', 'The producer is closed.');
      state.delivery.close();
    },
  };
}

function append(state: State, records: readonly NewRecord[]): Promise<Appended[]> {
  const { dead, cluster, waitingRecords, queueRecordsMax } = state;
  if (dead !== undefined) return Promise.reject(dead);
  if (cluster.isClosed) return Promise.reject(fail('log_closed', 'The event log is closed.'));
  if (records.length === 0) return Promise.resolve([]);
  if (waitingRecords + records.length > queueRecordsMax) {
    const detail = 'Too many records are waiting to become durable.';
    return Promise.reject(fail('log_overloaded', detail));
  }
  state.waitingRecords += records.length;
  const appended = records.map(({ topic, partition }) => ({
    topic,
    partition,
    offset: -1,
    timestampMs: 0,
  }));
  return new Promise((resolve, reject) => {
    state.queue.push({
      records,
      appended,
      bytes: bytesOf(records),
      resolve() {
        settle(state, records.length);
        resolve(appended);
      },
      reject(error) {
        settle(state, records.length);
        reject(error);
      },
    });
    if (!state.isPumping) {
      state.isPumping = true;
      // What is appended in the same turn goes with the same batch.
      queueMicrotask(() => void pump(state));
    }
  });
}

/** Length, deltas and key of a record take at most this beside its texts. */
const recordOverheadBytes = 32;

function bytesOf(records: readonly NewRecord[]): number {
  let bytes = 0;
  for (const { key, value } of records)
    bytes += key.length * 3 + value.length + recordOverheadBytes;
  return bytes;
}

async function pump(state: State): Promise<void> {
  while (state.queue.length > 0 && state.dead === undefined) {
    // Each request costs both sides more than a record in it.
    if (state.lingerMs > 0) await pause(state.lingerMs);
    const batch = await nextBatch(state);
    if (batch.calls.length === 0) continue;
    try {
      await state.delivery.deliver(batch);
      for (const call of batch.calls) call.resolve();
    } catch (error) {
      die(state, batch.calls, error);
    }
  }
  state.isPumping = false;
}

/** Calls that cannot be written are refused here, each as a whole, before anything is sent. */
async function nextBatch(state: State): Promise<Batch> {
  const { queue, cluster } = state;
  const { batchBytesMax, batchRecordsMax } = cluster.settings;
  const batch = emptyBatch();
  for (;;) {
    const call = queue[0];
    if (call === undefined) return batch;
    const isFirst = batch.calls.length === 0;
    const isFull =
      batch.bytes + call.bytes > batchBytesMax ||
      batch.records + call.records.length > batchRecordsMax;
    if (isFull && !isFirst) return batch;
    queue.shift();
    try {
      await admit(cluster, call);
      addCall(batch, call);
    } catch (error) {
      if (!isCallersMistake(error)) {
        die(state, [...batch.calls, call], error);
        return emptyBatch();
      }
      call.reject(error);
    }
  }
}

function isCallersMistake(error: unknown): boolean {
  return hasCode(error, 'log_unknown_partition') || hasCode(error, 'log_append_too_large');
}

async function admit(cluster: Cluster, { records, bytes }: Call): Promise<void> {
  if (bytes > appendBytesMax) {
    throw fail('log_append_too_large', `An append may have ${appendBytesMax} bytes, not ${bytes}.`);
  }
  for (const record of records) {
    if (!cluster.hasPartition(record)) await cluster.requirePartition(record);
  }
}

function die(state: State, calls: readonly Call[], cause: unknown): void {
  const dead = isTold(cause)
    ? cause
    : fail('log_unavailable', 'The log did not acknowledge in time, or refused.', { cause });
  state.dead = dead;
  state.delivery.close();
  // Unknown: the batch may stand in the log. Never written: what was waiting behind it.
  for (const call of [...calls, ...state.queue.splice(0)]) call.reject(dead);
}

/** What the caller should hear in its own words: it says what to do. */
function isTold(cause: unknown): cause is PaycrawlError {
  return hasCode(cause, 'log_closed') || isRefusal(cause);
}

function settle(state: State, records: number): void {
  state.waitingRecords -= records;
  if (state.waitingRecords > 0) return;
  for (const resolve of state.drained) resolve();
  state.drained.clear();
}
