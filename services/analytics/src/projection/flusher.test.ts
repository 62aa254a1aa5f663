import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Caused } from '@paycrawl/fold/fold';
import { cellsOf, rowText } from '@paycrawl/warehouse/row-text';
import type { Block, Warehouse } from '@paycrawl/warehouse/warehouse';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { addToBlock, emptyBlock, rowsOfBlock } from './block.js';
import { createFlusher, type FlusherOptions } from './flusher.js';
import type { ProjectionOutput } from './output.js';
import type { EventOutputs } from './projection-fold.js';

function caused(output: ProjectionOutput, offset = 0, partition = 0): Caused<EventOutputs> {
  return {
    output: [output],
    cause: ['decisions.1', partition, offset, 0],
    nowMs: 1,
    trace: undefined,
  };
}

function total(charged: number): ProjectionOutput {
  const of = { publisher: 'p', moment: 'm', account: 'a', asset: 'x' };
  const sums = { entries: charged, debits: 0n, credits: 0n };
  return { table: 'ledger_totals', key: 'k', total: { ...of, ...sums } };
}

const indexed: ProjectionOutput = { table: 'event_index', subject: 's', type: 'GasSpent' };

/** A warehouse that fails the first inserts with the given errors. */
function failingWarehouse(errors: unknown[]): { blocks: Block[]; warehouse: Warehouse } {
  const blocks: Block[] = [];
  const insert = async (block: Block) => {
    blocks.push(block);
    const error = errors.shift();
    if (error !== undefined) throw error;
  };
  return {
    blocks,
    warehouse: { insert, query: async () => [], exec: async () => {}, close: async () => {} },
  };
}

function flusherOn(warehouse: Warehouse, others: Partial<FlusherOptions> = {}) {
  const retries: unknown[] = [];
  const limits = { flushIntervalMs: 1, blockOutputsMax: 100, engineShareMax: 1, retryDelayMs: 1 };
  const onRetry = (error: unknown) => void retries.push(error);
  const flusher = createFlusher({
    ...{ warehouse, ...limits, onRetry, ...others },
    writeDeadLetters: async () => {},
  });
  return { flusher, retries };
}

describe('flusher', () => {
  test('behavior: of an entity only the newest state is written, per source partition', () => {
    const block = emptyBlock();
    for (const one of [caused(total(1), 1), caused(total(2), 2), caused(total(9), 1, 7)]) {
      addToBlock(block, one);
    }
    const [[table, text] = ['', rowText([])]] = rowsOfBlock(block);
    expect(table).toBe('ledger_totals');
    expect(cellsOf(text).map((row) => [row[5], row.at(-2), row.at(-1)])).toEqual([
      [2, 0, 2],
      [9, 7, 1],
    ]);
  });

  test('behavior: add resolves after its block is written; what comes meanwhile waits', async () => {
    const { blocks, warehouse } = failingWarehouse([]);
    const { flusher } = flusherOn(warehouse);
    const first = flusher.add([caused(indexed, 1)]);
    const second = flusher.add([caused(indexed, 2)]);
    await Promise.all([first, second]);
    await flusher.add([caused(indexed, 3)]);
    expect(blocks.map(({ rows }) => rows.count)).toEqual([2, 1]);
    await flusher.close();
  });

  test('behavior: a block that failed is written again, the same', async () => {
    const away = fail('warehouse_unavailable', 'away');
    const { blocks, warehouse } = failingWarehouse([away, away]);
    const { flusher, retries } = flusherOn(warehouse);
    await flusher.add([caused(indexed, 1)]);
    expect(retries).toEqual([away, away]);
    expect(blocks[1]).toEqual(blocks[0]);
    expect(blocks[2]).toEqual(blocks[0]);
    await flusher.close();
  });

  test('error: warehouse_rejected', async () => {
    const refused = fail('warehouse_rejected', 'no such column');
    const { warehouse } = failingWarehouse([refused]);
    const { flusher } = flusherOn(warehouse);
    await expect(flusher.add([caused(indexed)])).rejects.toBe(refused);
    await flusher.close();
  });

  test('behavior: close writes what waits and takes nothing more', async () => {
    const { blocks, warehouse } = failingWarehouse([]);
    const { flusher } = flusherOn(warehouse);
    const waiting = flusher.add([caused(indexed)]);
    await flusher.close();
    await waiting;
    expect(blocks.length).toBe(1);
    await expect(flusher.add([caused(indexed)])).rejects.toMatchObject({
      code: 'warehouse_unavailable',
    });
  });
});

describe('flusher of a busy platform', () => {
  afterEach(() => void vi.useRealTimers());
  const limits = { flushIntervalMs: 10, crowdedIntervalMs: 1000, blockOutputsMax: 2000 };
  const many = (count: number) => Array.from({ length: count }, (_, at) => caused(indexed, at));

  test('behavior: a block of few is written after an interval, one of many waits', async () => {
    vi.useFakeTimers();
    const { blocks, warehouse } = failingWarehouse([]);
    const { flusher } = flusherOn(warehouse, limits);
    const few = flusher.add(many(499));
    await vi.advanceTimersByTimeAsync(10);
    await few;
    const crowd = flusher.add(many(500));
    await vi.advanceTimersByTimeAsync(500);
    const others = flusher.add(many(300));
    await vi.advanceTimersByTimeAsync(499);
    expect(blocks.map(({ rows }) => rows.count)).toEqual([499]);
    await vi.advanceTimersByTimeAsync(1);
    await Promise.all([crowd, others]);
    expect(blocks.map(({ rows }) => rows.count)).toEqual([499, 800]);
    await flusher.close();
  });

  test('behavior: a full block waits for nothing', async () => {
    vi.useFakeTimers();
    const { blocks, warehouse } = failingWarehouse([]);
    const { flusher } = flusherOn(warehouse, limits);
    const first = flusher.add(many(1));
    await vi.advanceTimersByTimeAsync(10);
    await first;
    const crowd = flusher.add(many(1500));
    await vi.advanceTimersByTimeAsync(50);
    expect(blocks.length).toBe(1);
    await Promise.all([crowd, flusher.add(many(500))]);
    expect(blocks.map(({ rows }) => rows.count)).toEqual([1, 2000]);
    await flusher.close();
  });
});
