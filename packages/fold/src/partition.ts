import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { LogRecord } from '@paycrawl/event-log/event-log';
import { decodeOnce } from '@paycrawl/events/decode-once';
import type { Cause } from '@paycrawl/events/envelope';
import { isApplied } from '@paycrawl/events/envelope';
import type { AnyEvent } from '@paycrawl/events/event';
import type { Caused, Fold, InputPosition, Sink } from './fold.js';
import { createOutputWriter, type OutputWriter } from './output-writer.js';
import { applySeed, checkSeeded } from './seed.js';
import type { FoldStep } from './steps.js';
import type { Store, StoredPosition } from './store.js';
import { createWorking, type Working, type Writes } from './view.js';

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
  onStep?: ((step: FoldStep) => void) | undefined;
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
  /** Append time of the oldest record that was folded and is not stored; undefined: none. */
  oldestFoldedMs(): number | undefined;
}

const outputsWaitingDefault = 20_000;

/** A position with its writes, on its way into the store. */
interface Cut {
  readonly position: StoredPosition;
  readonly writes: Writes;
  /** Append time of its oldest record. */
  readonly oldestMs: number | undefined;
}

interface Standing {
  /** At a record that cannot be folded. */
  isStopped: boolean;
  isSeedChecked: boolean;
}

export function createPartition<Out>(options: PartitionOptions<Out>): Partition<Out> {
  const { store } = options;
  const working = createWorking<Out>(store, { isSettledLater: true });
  const writer = createWriter(options);
  let stored = store.position();
  let { nextOffset, nowMs } = stored;
  const standing: Standing = { isStopped: false, isSeedChecked: false };
  let cut: Cut | undefined;
  let oldestMs: number | undefined;

  function foldRecord(record: LogRecord, outputs: Caused<Out>[]): void {
    if (record.offset < nextOffset) return;
    const recordNowMs = Math.max(nowMs, record.timestampMs);
    working.begin(recordNowMs);
    const trace = applyRecord(options, working, record, standing);
    put(outputs, working.keep(), record, { nowMs: recordNowMs, trace });
    oldestMs ??= record.timestampMs;
    // A seed brings the time of the generation before along.
    nowMs = working.view.nowMs;
    nextOffset = record.offset + 1;
  }

  /** Folds up to a record that cannot be folded; what came before it stands. */
  function foldAll(records: readonly LogRecord[], outputs: Caused<Out>[]): void {
    const from = nextOffset;
    try {
      for (const record of records) foldRecord(record, outputs);
    } catch (error) {
      standing.isStopped = true;
      working.undo();
      throw error;
    } finally {
      if (nextOffset > from) settle(options.fold, working, outputs, [records, nextOffset - 1]);
      writer.add(outputs, nextOffset);
      if (outputs.length > 0) options.onFolded?.(outputs);
      options.onStep?.('folded');
    }
  }

  return {
    working,
    nextOffset,
    async fold(records) {
      if (standing.isStopped) throw fail('fold_broken', 'this owner stopped at a record before');
      checkOwner(store, stored, cut?.position);
      // No await between the check and the reads: both see the store at one moment.
      foldAll(records, []);
      await writer.room();
    },
    async checkpoint() {
      // A cut that waits for its outputs is finished before the next one is made.
      if (cut === undefined && nextOffset > stored.nextOffset) {
        cut = { position: { nextOffset, nowMs }, writes: working.cut(), oldestMs };
        oldestMs = undefined;
      }
      if (cut === undefined || writer.durableOffset() < cut.position.nextOffset) return undefined;
      await store.write(stored, cut.position, cut.writes);
      options.onStep?.('stored');
      stored = cut.position;
      cut = undefined;
      working.cutStored();
      return stored;
    },
    drained: () => writer.drained(),
    stored: () => stored,
    oldestFoldedMs: () => cut?.oldestMs ?? oldestMs,
  };
}

/** What the records of a batch add up to: outputs of the one that was folded last. */
function settle<Out>(
  fold: Fold<Out>,
  { view, keep }: Working<Out>,
  outputs: Caused<Out>[],
  [records, offset]: readonly [records: readonly LogRecord[], offset: number],
): void {
  const last = fold.settle && records.findLast((record) => record.offset === offset);
  if (last === undefined) return;
  fold.settle?.(view);
  const before = outputs.at(-1)?.cause;
  const index = before?.[2] === offset ? before[3] + 1 : 0;
  put(outputs, keep(), last, { nowMs: view.nowMs, trace: undefined }, index);
}

function put<Out>(
  outputs: Caused<Out>[],
  kept: readonly Out[],
  { topic, partition, offset }: LogRecord,
  { nowMs, trace }: Pick<Caused<Out>, 'nowMs' | 'trace'>,
  from = 0,
): void {
  let index = from;
  for (const output of kept) {
    const cause: Cause = [topic, partition, offset, index++];
    outputs.push({ output, cause, nowMs, trace });
  }
}

/** The view reads through to the store: it must stand where this owner left it, or is writing. */
function checkOwner(store: Store, left: StoredPosition, writing: StoredPosition | undefined) {
  const found = store.position().nextOffset;
  if (found === left.nextOffset || found === writing?.nextOffset) return;
  throw fail('fold_position_moved', `found ${found}, left at ${left.nextOffset}`);
}

function createWriter<Out>(options: PartitionOptions<Out>): OutputWriter<Out> {
  return createOutputWriter<Out>({
    write: (outputs) => options.sink.write(outputs, options.partition),
    isAnyOrder: options.sink.isAnyOrder,
    onWritten: () => options.onStep?.('written'),
    startOffset: options.store.position().nextOffset,
    waitingMax: options.outputsWaitingMax ?? outputsWaitingDefault,
    onBroken: options.onBroken,
  });
}

/** Applies one record to the working state; returns its trace context. */
function applyRecord<Out>(
  { fold, partition, deadLetter }: PartitionOptions<Out>,
  working: Working<Out>,
  record: LogRecord,
  standing: Standing,
): string | undefined {
  const decoded = decodeOnce(record.value);
  if (decoded.kind === 'unknown_version') {
    throw fail('fold_unknown_version', `${decoded.detail} at ${placeOf(record)}`);
  }
  if (decoded.kind === 'event' && decoded.event.type === 'PartitionSeeded') {
    applySeed(fold, working, decoded.event.data);
    return undefined;
  }
  if (!standing.isSeedChecked) {
    checkSeeded(fold, working, record);
    standing.isSeedChecked = true;
  }
  if (decoded.kind === 'unreadable') {
    working.view.emit(deadLetter(record, 'record_unreadable', decoded.detail));
    return undefined;
  }
  const position = { partition, offset: record.offset, key: record.key };
  return applyEvent(fold, working, decoded.event, position) ? decoded.event.trace : undefined;
}

/** Drops a repetition (false); parks on a typed error, where the fold can. */
export function applyEvent<Out>(
  fold: Fold<Out>,
  working: Working<Out>,
  event: AnyEvent,
  position: InputPosition,
): boolean {
  const { view } = working;
  if (event.cause !== undefined && !accept(working, event.cause)) return false;
  try {
    fold.apply(view, event, position);
  } catch (error) {
    if (!(error instanceof PaycrawlError) || fold.park === undefined) throw error;
    working.undo();
    if (event.cause !== undefined) accept(working, event.cause);
    fold.park(view, event, position, error.code);
  }
  return true;
}

const appliedKeys = new Map<string, string[]>();

/** The same few strings for every record: made once, and found by their kept hash. */
function appliedKey(topic: string, partition: number): string {
  const ofTopic = appliedKeys.get(topic) ?? [];
  if (ofTopic.length === 0) appliedKeys.set(topic, ofTopic);
  const key = ofTopic[partition] ?? `~a/${topic}/${partition}`;
  ofTopic[partition] = key;
  return key;
}

/** Drops what was applied before; otherwise remembers the cause with the state. */
function accept<Out>(working: Working<Out>, cause: Cause): boolean {
  const key = appliedKey(cause[0], cause[1]);
  const applied = working.view.get<{ offset: number; index: number }>(key);
  if (isApplied(applied, cause)) return false;
  working.view.set(key, { offset: cause[2], index: cause[3] });
  return true;
}

function placeOf(record: LogRecord): string {
  return `${record.topic}/${record.partition}/${record.offset}`;
}
