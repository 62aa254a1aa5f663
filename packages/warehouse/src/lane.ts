import { fail } from '@paycrawl/errors/paycrawl-error';

/** So many at once, so many waiting for their turn, and a clear refusal of what is more. */
export interface Lane {
  /** Runs the work at its turn; not at all when the signal came first. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
}

export interface LaneLimits {
  readonly atOnceMax: number;
  readonly waitingMax: number;
}

export function createLane({ atOnceMax, waitingMax }: LaneLimits): Lane {
  const waiting: (() => void)[] = [];
  const idleWaiters: (() => void)[] = [];
  let running = 0;

  async function enter(): Promise<void> {
    if (running < atOnceMax) {
      running += 1;
      return;
    }
    if (waiting.length >= waitingMax) {
      throw fail('warehouse_unavailable', 'Too many statements wait for the warehouse');
    }
    // Who leaves hands its place over, so `running` stays.
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function leave(): void {
    const next = waiting.shift();
    if (next !== undefined) return next();
    running -= 1;
    if (running === 0) for (const resolve of idleWaiters.splice(0)) resolve();
  }

  return {
    async run(signal, work) {
      await enter();
      try {
        signal.throwIfAborted();
        return await work();
      } finally {
        leave();
      }
    },
    idle: () =>
      running === 0 ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve)),
  };
}
