import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { Caused } from '@paycrawl/fold/fold';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { addToBlock, type Block, emptyBlock, rowsOfBlock } from './block.js';
import type { WrittenBlock } from './block-spans.js';
import type { Table } from './output.js';
import type { EventOutputs } from './projection-fold.js';
import { columnsOf } from './rows.js';

type Output = Caused<EventOutputs>;

export interface FlusherOptions {
  readonly warehouse: Pick<Warehouse, 'insert'>;
  /** From the beginning of one flush to the next, unless flushes are slow. */
  readonly flushIntervalMs: number;
  /**
   * Every block costs the engine about 10 ms a table, however small it is: a busy machine gets
   * fewer and larger ones, so that the engine works at most this share of the time.
   */
  readonly engineShareMax: number;
  /**
   * From the beginning of one flush to the next where a block has many: rows cost less than blocks.
   * By default nobody waits for that.
   */
  readonly crowdedIntervalMs?: number;
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

/** However slow the engine is, what happened must be seen in time. */
const restMsMax = 750;
/**
 * So many in an interval: some 150 paid crawls a second. With fewer the cores have time to spare,
 * and who waits for his figures has them sooner.
 */
const crowdOutputs = 500;

interface Waiting {
  readonly block: Block;
  readonly written: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function createFlusher(options: FlusherOptions): Flusher {
  let waiting = newWaiting();
  let flushing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let startedMs = Number.NEGATIVE_INFINITY;
  let tookMs = 0;
  const closing = new AbortController();

  function schedule(): void {
    if (waiting.block.outputsCount === 0 || flushing !== undefined) return;
    const isFull = waiting.block.outputsCount >= options.blockOutputsMax;
    if (isFull || closing.signal.aborted) return flush();
    if (timer !== undefined) return;
    const restMs = Math.min(tookMs / options.engineShareMax, restMsMax);
    const periodMs = Math.max(options.flushIntervalMs, restMs);
    const sinceMs = performance.now() - startedMs;
    // After quiet time the first outputs wait a whole interval too, for company.
    const waitMs = sinceMs > periodMs ? options.flushIntervalMs : periodMs - sinceMs;
    timer = setTimeout(flushUnlessCrowded, waitMs);
  }

  function flushUnlessCrowded(): void {
    const sinceMs = performance.now() - startedMs;
    const moreMs = (options.crowdedIntervalMs ?? 0) - sinceMs;
    if (waiting.block.outputsCount < crowdOutputs || moreMs <= 0) return flush();
    timer = setTimeout(flush, moreMs);
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const full = waiting;
    waiting = newWaiting();
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
      for (const output of outputs) addToBlock(waiting.block, output);
      const { written } = waiting;
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

function newWaiting(): Waiting {
  let resolve = (): void => {};
  let reject = (_error: unknown): void => {};
  const written = new Promise<void>((onDone, onError) => {
    resolve = onDone;
    reject = onError;
  });
  // A block that nobody waits for any more must not end the process.
  written.catch(() => {});
  return { block: emptyBlock(), written, resolve, reject };
}

async function writeUntilDone(
  options: FlusherOptions,
  { block, resolve, reject }: Waiting,
  closing: AbortSignal,
): Promise<void> {
  const rows = rowsOfBlock(block);
  for (;;) {
    try {
      await write(options, block, rows);
      return resolve();
    } catch (error) {
      const isRetryable = error instanceof PaycrawlError && error.retryable;
      if (!isRetryable || closing.aborted) return reject(error);
      options.onRetry?.(error);
      await delay(options.retryDelayMs, closing);
    }
  }
}

async function write(options: FlusherOptions, block: Block, rows: Rows): Promise<void> {
  const startedMs = options.clock?.() ?? 0;
  if (block.deadLetters.length > 0) await options.writeDeadLetters(block.deadLetters);
  // Facts before totals, so that no total counts what cannot be read yet.
  await insertAll(
    options,
    rows.filter(([table]) => !isTotal(table)),
  );
  await insertAll(
    options,
    rows.filter(([table]) => isTotal(table)),
  );
  const { traced, outputsCount, publishers, oldestMs } = block;
  const endedMs = options.clock?.() ?? startedMs;
  options.onWritten?.({ traced, outputsCount, startedMs, endedMs });
  options.onFlushed?.(publishers, oldestMs);
}

type Rows = ReturnType<typeof rowsOfBlock>;

function isTotal(table: Table): boolean {
  return table.startsWith('rollup_') || table.endsWith('_totals');
}

/** At once: a server works on several tables; the engine in this process takes them in turn. */
async function insertAll(
  { warehouse }: Pick<FlusherOptions, 'warehouse'>,
  rows: Rows,
): Promise<void> {
  const inserts = rows.map(([table, ofTable]) =>
    warehouse.insert({ table, columns: columnsOf[table], rows: ofTable }),
  );
  // All have ended before anything is written again.
  for (const end of await Promise.allSettled(inserts)) {
    if (end.status === 'rejected') throw end.reason;
  }
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
