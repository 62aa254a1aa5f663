import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Caused } from './fold.js';

/** The way from a fold to its sink. */
export interface OutputWriter<Out> {
  add(outputs: readonly Caused<Out>[], nextOffset: number): void;
  /** Every output caused before this offset is durable. */
  durableOffset(): number;
  room(): Promise<void>;
  drained(): Promise<void>;
}

interface Flight {
  /** Everything caused before it is in this write or in an earlier one. */
  readonly nextOffset: number;
  readonly count: number;
  isDone: boolean;
}

/**
 * Writes outputs in order, one write in flight; after a failure nothing later is written. A sink
 * that takes them in any order is given them at once, so that they do not gather here.
 */
export function createOutputWriter<Out>(options: {
  write(outputs: readonly Caused<Out>[]): Promise<void>;
  /** Writes may be under way at once. */
  isAnyOrder?: boolean | undefined;
  startOffset: number;
  waitingMax: number;
  /** After each write. */
  onWritten?(): void;
  onBroken(error: unknown): void;
}): OutputWriter<Out> {
  let waiting: Caused<Out>[] = [];
  let waitingOffset = options.startOffset;
  let durableOffset = options.startOffset;
  const flights: Flight[] = [];
  let broken = false;
  const { until, wake } = createWaiters(() => broken);

  function launch(): void {
    if (waiting.length === 0 || broken) return;
    if (flights.length > 0 && options.isAnyOrder !== true) return;
    const flight = { nextOffset: waitingOffset, count: waiting.length, isDone: false };
    flights.push(flight);
    const outputs = waiting;
    waiting = [];
    // Nothing here holds on to the outputs: a sink may need them no longer than the call takes.
    started(options.write, outputs).then(
      () => landed(flight),
      (error) => crashed(flight, error),
    );
  }

  function landed(flight: Flight): void {
    flight.isDone = true;
    if (!broken) options.onWritten?.();
    settle();
    launch();
    wake();
  }

  function crashed(flight: Flight, error: unknown): void {
    flights.splice(flights.indexOf(flight), 1);
    const isFirst = !broken;
    broken = true;
    if (isFirst) options.onBroken(error);
    wake();
  }

  function settle(): void {
    if (broken) return;
    durableOffset = landedOffset(flights) ?? durableOffset;
    if (flights.length === 0 && waiting.length === 0) durableOffset = waitingOffset;
  }

  return {
    add(outputs, nextOffset) {
      for (const output of outputs) waiting.push(output);
      waitingOffset = nextOffset;
      launch();
      settle();
    },
    durableOffset: () => durableOffset,
    room: () => until(() => waiting.length + countBehindFirst(flights) < options.waitingMax),
    drained: () => until(() => waiting.length === 0 && flights.length === 0),
  };
}

/** Takes out the writes that have ended before any other; a position is durable when all are. */
function landedOffset(flights: Flight[]): number | undefined {
  let offset: number | undefined;
  while (flights[0]?.isDone === true) offset = flights.shift()?.nextOffset;
  return offset;
}

/** The write that has been under way for longest is no queue. */
function countBehindFirst(flights: readonly Flight[]): number {
  return flights.reduce((sum, { count }, place) => (place === 0 ? sum : sum + count), 0);
}

/** What fails at once fails as what fails later. */
function started<Out>(
  write: (outputs: readonly Caused<Out>[]) => Promise<void>,
  outputs: readonly Caused<Out>[],
): Promise<void> {
  try {
    return write(outputs);
  } catch (error) {
    return Promise.reject(error);
  }
}

interface Waiters {
  until(condition: () => boolean): Promise<void>;
  wake(): void;
}

function createWaiters(isBroken: () => boolean): Waiters {
  let wakers: (() => void)[] = [];
  return {
    async until(condition) {
      for (;;) {
        if (isBroken()) {
          throw fail('fold_broken', 'the outputs of this partition cannot be written');
        }
        if (condition()) return;
        await new Promise<void>((resolve) => wakers.push(resolve));
      }
    },
    wake() {
      const woken = wakers;
      wakers = [];
      for (const waker of woken) waker();
    },
  };
}
