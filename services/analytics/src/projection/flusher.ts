import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { Caused } from '@paycrawl/fold/fold';
import { blockRowsMax, type Cell, type Warehouse } from '@paycrawl/warehouse/warehouse';
import type { WrittenBlock } from './block-spans.js';
import type { Table } from './output.js';
import type { EventOutputs } from './projection-fold.js';
import { columnsOf, rowOf, tables } from './rows.js';

type Output = Caused<EventOutputs>;

export interface FlusherOptions {
  readonly warehouse: Warehouse;
  /** From the beginning of one flush to the next, unless flushes are slow. */
  readonly flushIntervalMs: number;
  /** A fuller block is written at once. */
  readonly blockOutputsMax: number;
  readonly retryDelayMs: number;
  /** Makes unreadable records durable where operators look for them. */
  writeDeadLetters(outputs: readonly Output[]): Promise<void>;
  /** After a block can be read: who has news, and the log time of its oldest output. */
  onFlushed?(publishers: ReadonlySet<string>, oldestMs: number): void;
  /** After a block can be read, for who traces. */
  onWritten?: ((block: WrittenBlock) => void) | undefined;
  clock?(): number;
  onRetry?(error: unknown): void;
}

/**
 * One writer for all partitions, because the engine likes few large blocks. A block that fails is
 * written again, the same, until it succeeds: its rows replace themselves.
 */
export interface Flusher {
  /** Resolves when the outputs can be read in the warehouse. */
  add(outputs: readonly Output[]): Promise<void>;
  /** Writes what waits, once, and ends. */
  close(): Promise<void>;
}

/**
 * Every block costs the engine about 10 ms a table, however small it is: a busy machine gets fewer
 * and larger ones, so that the engine works at most a fifth of the time.
 */
const restFactor = 5;
const restMsMax = 750;

interface Block {
  readonly outputs: Output[];
  readonly written: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function createFlusher(options: FlusherOptions): Flusher {
  let block = newBlock();
  let flushing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let startedMs = Number.NEGATIVE_INFINITY;
  let tookMs = 0;
  const closing = new AbortController();

  function schedule(): void {
    if (block.outputs.length === 0 || flushing !== undefined) return;
    const isFull = block.outputs.length >= options.blockOutputsMax || closing.signal.aborted;
    if (isFull) return flush();
    const periodMs = Math.max(options.flushIntervalMs, Math.min(tookMs * restFactor, restMsMax));
    const sinceMs = performance.now() - startedMs;
    // After quiet time the first outputs wait a whole interval too, for company.
    const waitMs = sinceMs > periodMs ? options.flushIntervalMs : periodMs - sinceMs;
    timer ??= setTimeout(flush, waitMs);
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const full = block;
    block = newBlock();
    startedMs = performance.now();
    flushing = writeUntilDone(options, full, closing.signal).finally(() => {
      flushing = undefined;
      tookMs = performance.now() - startedMs;
      schedule();
    });
  }

  return {
    add(outputs) {
      if (closing.signal.aborted) return Promise.reject(stopped());
      for (const output of outputs) block.outputs.push(output);
      const { written } = block;
      schedule();
      return written;
    },
    async close() {
      closing.abort();
      schedule();
      while (flushing !== undefined) await flushing;
    },
  };
}

function newBlock(): Block {
  let resolve = (): void => {};
  let reject = (_error: unknown): void => {};
  const written = new Promise<void>((onDone, onError) => {
    resolve = onDone;
    reject = onError;
  });
  // A block that nobody waits for any more must not end the process.
  written.catch(() => {});
  return { outputs: [], written, resolve, reject };
}

async function writeUntilDone(
  options: FlusherOptions,
  block: Block,
  closing: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      await write(options, block.outputs);
      return block.resolve();
    } catch (error) {
      const isRetryable = error instanceof PaycrawlError && error.retryable;
      if (!isRetryable || closing.aborted) return block.reject(error);
      options.onRetry?.(error);
      await delay(options.retryDelayMs, closing);
    }
  }
}

async function write(options: FlusherOptions, outputs: readonly Output[]): Promise<void> {
  const startedMs = options.clock?.() ?? 0;
  const isDeadLetter = ({ output }: Output) => output.some(({ table }) => table === 'dead-letters');
  const deadLetters = outputs.filter(isDeadLetter);
  if (deadLetters.length > 0) await options.writeDeadLetters(deadLetters);
  for (const [table, rows] of rowsByTable(outputs)) {
    for (let start = 0; start < rows.length; start += blockRowsMax) {
      const part = rows.slice(start, start + blockRowsMax);
      await options.warehouse.insert({ table, columns: columnsOf[table], rows: part });
    }
  }
  options.onWritten?.({ outputs, startedMs, endedMs: options.clock?.() ?? startedMs });
  if (options.onFlushed !== undefined) {
    const oldestMs = outputs.reduce((oldest, { nowMs }) => Math.min(oldest, nowMs), Infinity);
    options.onFlushed(publishersOf(outputs), oldestMs);
  }
}

/** Rows for every table, facts before totals; of an entity only its newest state. */
export function rowsByTable(outputs: readonly Output[]): [Table, Cell[][]][] {
  const rows = new Map<Table, Cell[][]>(tables.map((table) => [table, []]));
  const newest: NewestBySource = new Map();
  for (const caused of outputs) {
    let entities: Newest | undefined;
    for (const output of caused.output) {
      if (output.table === 'dead-letters') continue;
      if ('key' in output) {
        entities ??= newestOf(newest, caused);
        entities.get(output.table)?.set(output.key, { output, caused });
      } else rows.get(output.table)?.push(rowOf(output, caused));
    }
  }
  for (const ofTopic of newest.values()) {
    for (const ofPartition of ofTopic.values()) addNewest(ofPartition, rows);
  }
  return [...rows].filter(([, ofTable]) => ofTable.length > 0);
}

type Entity = Extract<EventOutputs[number], { readonly key: string }>;
/** By key within its table: the last output that tells of it. */
type Newest = Map<Table, Map<string, { readonly output: Entity; readonly caused: Output }>>;
/** Partitions fold apart: a key names an entity within one of them. */
type NewestBySource = Map<string, Map<number, Newest>>;

function newestOf(sources: NewestBySource, { cause }: Output): Newest {
  const [topic, partition] = cause;
  const ofTopic = sources.get(topic) ?? new Map<number, Newest>();
  sources.set(topic, ofTopic);
  const known = ofTopic.get(partition);
  if (known !== undefined) return known;
  const newest: Newest = new Map(tables.map((table) => [table, new Map()]));
  ofTopic.set(partition, newest);
  return newest;
}

function addNewest(newest: Newest, rows: ReadonlyMap<Table, Cell[][]>): void {
  for (const [table, entities] of newest) {
    const ofTable = rows.get(table);
    for (const { output, caused } of entities.values()) ofTable?.push(rowOf(output, caused));
  }
}

function publishersOf(outputs: readonly Output[]): Set<string> {
  const publishers = new Set<string>();
  for (const caused of outputs) {
    for (const output of caused.output) {
      if (output.table === 'facts') publishers.add(output.fact.publisher);
      else if (output.table === 'ledger_entries') publishers.add(output.entry.publisher);
    }
  }
  return publishers;
}

function stopped() {
  return fail('warehouse_unavailable', 'The projection is stopping');
}

function delay(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener('abort', done);
  });
}
