import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Scheduled, Timeline } from './timeline.js';

/**
 * While a history runs, the timers and clocks of this process are those of the timeline, so the
 * code of production runs as it is: there is no seam in it for the simulator. Chance is refused:
 * whoever asks for it would make histories that cannot be replayed.
 */
export async function withVirtualGlobals<T>(timeline: Timeline, run: () => Promise<T>): Promise<T> {
  const before = globalsOf();
  Object.assign(globalThis, virtualTimers(timeline));
  Date.now = () => Math.floor(timeline.nowMs + timeline.running.skewMs);
  performance.now = () => timeline.nowMs;
  Math.random = () => {
    throw fail('internal', 'chance comes from the seed');
  };
  try {
    return await run();
  } finally {
    Object.assign(globalThis, before.timers);
    Date.now = before.dateNow;
    performance.now = before.performanceNow;
    Math.random = before.random;
  }
}

function globalsOf() {
  const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
  const { setImmediate, clearImmediate } = globalThis;
  return {
    timers: {
      ...{ setTimeout, clearTimeout, setInterval, clearInterval },
      ...{ setImmediate, clearImmediate },
    },
    dateNow: Date.now,
    performanceNow: performance.now,
    random: Math.random,
  };
}

interface VirtualTimer extends Scheduled {
  ref(): VirtualTimer;
  unref(): VirtualTimer;
}

function timerOf(cancel: () => void): VirtualTimer {
  const timer: VirtualTimer = { cancel, ref: () => timer, unref: () => timer };
  return timer;
}

function virtualTimers(timeline: Timeline) {
  const once = (delayMs: number, run: () => void): VirtualTimer =>
    timerOf(timeline.after(delayMs, timeline.running, run).cancel);
  const clear = (timer: VirtualTimer | undefined | null): void => timer?.cancel();
  return {
    setTimeout: (run: (...values: unknown[]) => void, delayMs = 0, ...values: unknown[]) =>
      once(delayMs, () => run(...values)),
    setImmediate: (run: (...values: unknown[]) => void, ...values: unknown[]) =>
      once(0, () => run(...values)),
    setInterval(run: () => void, intervalMs: number) {
      const life = timeline.running;
      let scheduled: Scheduled;
      const turn = (): void => {
        // As in Node: what was missed while the process stood still is not made up for.
        scheduled = timeline.after(intervalMs, life, turn);
        run();
      };
      scheduled = timeline.after(intervalMs, life, turn);
      return timerOf(() => scheduled.cancel());
    },
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
  };
}
