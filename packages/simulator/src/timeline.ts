import { fail } from '@paycrawl/errors/paycrawl-error';

/**
 * Virtual time and everything that is to happen: one event at a time, then all promises that it
 * settled, then the next one. Nothing else decides what happens when, so a seed is a history.
 */
export interface Timeline {
  readonly nowMs: number;
  /** Whose event is being handled: timers that are set now belong to it. */
  readonly running: Life;
  after(delayMs: number, life: Life, run: () => void): Scheduled;
  /** Resolves after the delay; never when the life ended before. */
  sleep(delayMs: number, life: Life): Promise<void>;
  /** Runs as this life, now: what it sets and awaits belongs to it. */
  as<T>(life: Life, run: () => T): T;
  /** Handles events up to this moment. */
  runUntil(untilMs: number): Promise<void>;
  /** The machines stood still: what was due meanwhile is late. */
  jump(byMs: number): void;
  readonly handled: number;
}

/** A process, or something outside of all processes; what belongs to a dead one does not happen. */
export interface Life {
  readonly name: string;
  isDead: boolean;
  /** What its clock shows beside the true time. */
  skewMs: number;
}

export interface Scheduled {
  cancel(): void;
}

interface Entry {
  readonly dueMs: number;
  readonly number: number;
  readonly life: Life;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Captured before any history replaces it: lets all settled promises run. */
const realImmediate = setImmediate;

export function createLife(name: string, skewMs = 0): Life {
  return { name, isDead: false, skewMs };
}

const eventsMax = 2_000_000;

export function createTimeline(startMs: number, world: Life): Timeline {
  const heap: Entry[] = [];
  let nowMs = startMs;
  let count = 0;
  let handled = 0;
  let running = world;

  function after(delayMs: number, life: Life, run: () => void): Scheduled {
    const dueMs = nowMs + Math.max(0, delayMs);
    const entry = { dueMs, number: count++, life, run, isCancelled: false };
    push(heap, entry);
    return {
      cancel: () => {
        entry.isCancelled = true;
      },
    };
  }

  function as<T>(life: Life, run: () => T): T {
    const before = running;
    running = life;
    try {
      return run();
    } finally {
      running = before;
    }
  }

  async function handle({ life, run }: Entry): Promise<void> {
    if (++handled > eventsMax) throw fail('internal', 'this history does not end');
    running = life;
    run();
    await new Promise<void>((resolve) => realImmediate(resolve));
    running = world;
  }

  return {
    get nowMs() {
      return nowMs;
    },
    get running() {
      return running;
    },
    get handled() {
      return handled;
    },
    after,
    as,
    sleep: (delayMs, life) => new Promise((resolve) => void after(delayMs, life, resolve)),
    async runUntil(untilMs) {
      for (let first = heap[0]; first !== undefined && first.dueMs <= untilMs; first = heap[0]) {
        pop(heap);
        if (first.isCancelled || first.life.isDead) continue;
        nowMs = Math.max(nowMs, first.dueMs);
        await handle(first);
      }
      nowMs = Math.max(nowMs, untilMs);
    },
    jump: (byMs) => {
      nowMs += byMs;
    },
  };
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.number < b.number);
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above] as Entry;
    if (!isBefore(entry, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop() as Entry;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    const right = below + 1;
    if (right < heap.length && isBefore(heap[right] as Entry, heap[below] as Entry)) below = right;
    if (!isBefore(heap[below] as Entry, last)) break;
    heap[at] = heap[below] as Entry;
    at = below;
  }
  heap[at] = last;
}
