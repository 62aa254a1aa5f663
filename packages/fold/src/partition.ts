import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { LogRecord } from '@paycrawl/event-log/event-log';
import type { Cause } from '@paycrawl/events/envelope';
import { isApplied } from '@paycrawl/events/envelope';
import { decodeEvent } from '@paycrawl/events/event';
import type { Caused, Fold, Sink } from './fold.js';
import type { Store, StoredPosition } from './store.js';
import { createWorking, type Working } from './view.js';

/** What a fold does with a record that it cannot read: an output like any other. */
export type DeadLetter<Out> = (record: LogRecord, code: string, detail: string) => Out;

export interface PartitionOptions<Out> {
  readonly fold: Fold<Out>;
  readonly partition: number;
  readonly store: Store;
  readonly sink: Sink<Out>;
  readonly deadLetter: DeadLetter<Out>;
  /** Bound of outputs that wait for the sink; above it `fold` waits. */
  readonly outputsWaitingMax?: number;
  /** After every batch, with its outputs, before they are durable: the input is durable. */
  onFolded?(outputs: readonly Caused<Out>[]): void;
  /** The sink failed or the store has another owner: this owner is finished. */
  onBroken(error: unknown): void;
}

/** One owned partition: folds ahead, writes outputs in order, checkpoints what is durable. */
export interface Partition<Out> {
  readonly working: Working<Out>;
  /** Where reading begins. */
  readonly nextOffset: number;
  /** Folds the records; resolves when there is room for more. */
  fold(records: readonly LogRecord[]): Promise<void>;
  /**
   * Records the newest position whose outputs are durable together with its state.
   * Resolves to it, or undefined when nothing moved.
   */
  checkpoint(): Promise<StoredPosition | undefined>;
  /** Resolves when every output folded so far is durable. */
  drained(): Promise<void>;
  stored(): StoredPosition;
}

const outputsWaitingDefault = 20_000;

export function createPartition<Out>(options: PartitionOptions<Out>): Partition<Out> {
  const { store } = options;
  const working = createWorking<Out>(store);
  const writer = createWriter(options);
  let stored = store.position();
  let { nextOffset, nowMs } = stored;
  let cut: StoredPosition | undefined;

  function foldRecord(record: LogRecord, outputs: Caused<Out>[]): void {
    if (record.offset < nextOffset) return;
    nowMs = Math.max(nowMs, record.timestampMs);
    nextOffset = record.offset + 1;
    working.begin(nowMs);
    let index = 0;
    const trace = applyRecord(options, working, record);
    for (const output of working.keep()) {
      const cause: Cause = [record.topic, record.partition, record.offset, index++];
      outputs.push({ output, cause, nowMs, trace });
    }
  }

  async function checkpoint(): Promise<StoredPosition | undefined> {
    // A cut that waits for its outputs is finished before the next one is made.
    if (cut === undefined && nextOffset > stored.nextOffset) {
      cut = { nextOffset, nowMs };
      frozen = working.cut();
    }
    if (cut === undefined || writer.durableOffset() < cut.nextOffset) return undefined;
    const next = cut;
    await store.write(stored, next, frozen);
    stored = next;
    cut = undefined;
    working.cutStored();
    return stored;
  }
  let frozen = new Map<string, unknown>();

  return {
    working,
    nextOffset,
    async fold(records) {
      const outputs: Caused<Out>[] = [];
      for (const record of records) foldRecord(record, outputs);
      writer.add(outputs, nextOffset);
      if (outputs.length > 0) options.onFolded?.(outputs);
      await writer.room();
    },
    checkpoint,
    drained: () => writer.drained(),
    stored: () => stored,
  };

  function createWriter({ sink, partition, onBroken }: PartitionOptions<Out>) {
    return createOutputWriter<Out>({
      write: (outputs) => sink.write(outputs, partition),
      startOffset: store.position().nextOffset,
      waitingMax: options.outputsWaitingMax ?? outputsWaitingDefault,
      onBroken,
    });
  }
}

/** Applies one record to the working state; returns its trace context. */
function applyRecord<Out>(
  { fold, partition, deadLetter }: PartitionOptions<Out>,
  working: Working<Out>,
  record: LogRecord,
): string | undefined {
  const { view } = working;
  const decoded = decodeEvent(record.value);
  if (decoded.kind === 'unknown_version') {
    throw fail('fold_unknown_version', `${decoded.detail} at ${placeOf(record)}`);
  }
  if (decoded.kind === 'unreadable') {
    view.emit(deadLetter(record, 'record_unreadable', decoded.detail));
    return undefined;
  }
  const { event } = decoded;
  if (event.cause !== undefined && !accept(working, event.cause)) return undefined;
  const position = { partition, offset: record.offset, key: record.key };
  try {
    fold.apply(view, event, position);
  } catch (error) {
    if (!(error instanceof PaycrawlError) || fold.park === undefined) throw error;
    working.undo();
    if (event.cause !== undefined) accept(working, event.cause);
    fold.park(view, event, position, error.code);
  }
  return event.trace;
}

/** Drops what was applied before; otherwise remembers the cause with the state. */
function accept<Out>(working: Working<Out>, cause: Cause): boolean {
  const key = `~a/${cause[0]}/${cause[1]}`;
  const applied = working.view.get<{ offset: number; index: number }>(key);
  if (isApplied(applied, cause)) return false;
  working.view.set(key, { offset: cause[2], index: cause[3] });
  return true;
}

function placeOf(record: LogRecord): string {
  return `${record.topic}/${record.partition}/${record.offset}`;
}

interface OutputWriter<Out> {
  add(outputs: readonly Caused<Out>[], nextOffset: number): void;
  /** Every output caused before this offset is durable. */
  durableOffset(): number;
  room(): Promise<void>;
  drained(): Promise<void>;
}

/** Writes outputs in order, one write in flight; after a failure nothing later is written. */
function createOutputWriter<Out>(options: {
  write(outputs: readonly Caused<Out>[]): Promise<void>;
  startOffset: number;
  waitingMax: number;
  onBroken(error: unknown): void;
}): OutputWriter<Out> {
  let waiting: Caused<Out>[] = [];
  let waitingOffset = options.startOffset;
  let durableOffset = options.startOffset;
  let writing = false;
  let broken = false;
  let wakers: (() => void)[] = [];

  function wake(): void {
    const woken = wakers;
    wakers = [];
    for (const waker of woken) waker();
  }

  async function pump(): Promise<void> {
    writing = true;
    while (waiting.length > 0 && !broken) {
      const batch = waiting;
      const offset = waitingOffset;
      waiting = [];
      try {
        await options.write(batch);
      } catch (error) {
        broken = true;
        options.onBroken(error);
        break;
      }
      durableOffset = offset;
      wake();
    }
    writing = false;
    if (!broken) durableOffset = waitingOffset;
    wake();
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (broken) throw fail('fold_broken', 'the outputs of this partition cannot be written');
      await new Promise<void>((resolve) => wakers.push(resolve));
    }
  }

  return {
    add(outputs, nextOffset) {
      for (const output of outputs) waiting.push(output);
      waitingOffset = nextOffset;
      if (writing) return;
      if (waiting.length > 0) void pump();
      else if (!broken) durableOffset = nextOffset;
    },
    durableOffset: () => durableOffset,
    room: () => until(() => waiting.length < options.waitingMax),
    drained: () => until(() => waiting.length === 0 && !writing),
  };
}
