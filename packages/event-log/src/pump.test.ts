import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LogRecord } from './event-log.js';
import { type RecordSource, startPump } from './pump.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const lingerMs = 100;

/** A partition of one topic, and what a pump has read of it. */
function world() {
  const records: LogRecord[] = [];
  const batches: number[][] = [];
  let ring = (): void => {};
  const source: RecordSource = {
    read: (_place, from, max) => records.slice(from, from + max),
    subscribe: (_topic, _partition, listener) => {
      ring = listener;
      return () => {};
    },
    breathe: async () => {},
  };
  const pump = startPump(source, {
    ...{ topic: 't', partition: 0, fromOffset: 0, batchRecordsMax: 3, lingerMs },
    onRecords: async (batch) => void batches.push(batch.map(({ offset }) => offset)),
    onError: (error) => {
      throw error;
    },
  });
  const append = (count: number): void => {
    for (let i = 0; i < count; i += 1) {
      const offset = records.length;
      records.push({ topic: 't', partition: 0, offset, timestampMs: 0, key: '', value: none });
    }
    ring();
  };
  return { pump, batches, append };
}

const none = Buffer.alloc(0);

describe('a pump that lingers', () => {
  test('behavior: the first record is read at once, those after it together', async () => {
    const { pump, batches, append } = world();
    append(1);
    await vi.advanceTimersByTimeAsync(0);
    expect(batches).toEqual([[0]]);
    append(1);
    append(1);
    await vi.advanceTimersByTimeAsync(lingerMs - 1);
    expect(batches).toEqual([[0]]);
    await vi.advanceTimersByTimeAsync(1);
    expect(batches).toEqual([[0], [1, 2]]);
    await pump.stop();
  });

  test('behavior: after a full batch it waits for nobody', async () => {
    const { pump, batches, append } = world();
    append(7);
    await vi.advanceTimersByTimeAsync(0);
    expect(batches).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    await pump.stop();
  });

  test('behavior: it stops at once', async () => {
    const { pump, append } = world();
    append(1);
    await vi.advanceTimersByTimeAsync(0);
    await pump.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
