import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, Producer } from '@paycrawl/event-log/event-log';
import type { AnyEvent } from '@paycrawl/events/event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAppender } from './appender.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const event: AnyEvent = { type: 'TimePassed', id: 'x', source: 'test', timeMs: 0, data: {} };
const addressed = [{ topic: 'payments', key: 'p', event }] as const;

/** A log whose appends end when the test says so. */
function given() {
  const appends: { resolve(): void; reject(error: unknown): void }[] = [];
  const discarded: number[] = [];
  let producers = 0;
  const producer = (): Producer => {
    const id = producers++;
    return {
      append: () =>
        new Promise((resolve, reject) => appends.push({ resolve: () => resolve([]), reject })),
      discard: () => void discarded.push(id),
      close: async () => undefined,
    };
  };
  const appender = createAppender({
    log: { producer } as unknown as EventLog,
    ...{ timeoutMs: 1_000, partitions: { payer: 2, publisher: 2 } },
  });
  return { appender, appends, discarded };
}

test('error: log_unavailable for what is not durable in time; the next has a new producer', async () => {
  const { appender, appends, discarded } = given();
  const late = appender.append(addressed).catch((error: unknown) => error);
  vi.advanceTimersByTime(500);
  const inTime = appender.append(addressed);
  expect(appender.waiting('payments')).toBe(2);
  appends[1]?.resolve();
  await inTime;
  vi.advanceTimersByTime(750);
  expect(await late).toMatchObject({ code: 'log_unavailable' });
  expect([discarded, appender.waiting('payments')]).toEqual([[0], 0]);
  // What becomes of it afterwards is told to nobody, and ends nothing.
  appends[0]?.reject(fail('log_unavailable', 'late'));
  const next = appender.append(addressed);
  appends[2]?.resolve();
  await next;
  expect(discarded).toEqual([0]);
});

test('error: log_overloaded is passed on, and the producer is kept', async () => {
  const { appender, appends, discarded } = given();
  const refused = appender.append(addressed).catch((error: unknown) => error);
  appends[0]?.reject(fail('log_overloaded', 'full'));
  expect(await refused).toMatchObject({ code: 'log_overloaded' });
  expect([discarded, appender.waiting('payments')]).toEqual([[], 0]);
});

test('behavior: each is counted until it is over, in whatever order they end', async () => {
  const { appender, appends } = given();
  const all = Array.from({ length: 5 }, () => appender.append(addressed));
  for (const [done, place] of [3, 0, 4, 1, 2].entries()) {
    appends[place]?.resolve();
    await all[place];
    expect(appender.waiting('payments')).toBe(4 - done);
  }
});
