/**
 * Refusals to those who do not pay are given a moment late. Whoever asks again as soon as it was
 * refused would keep the process busy with refusing; a connection that waits for its answer asks
 * for nothing. Holding costs a place in a queue.
 */
export interface HeldRefusals {
  /** Undefined: not held, answer at once. */
  hold(): Promise<void> | undefined;
  /** Ten times a second: lets go those whose time has come. */
  release(nowMs: number): void;
  size(): number;
  /** Lets all go; nothing is held any more. */
  close(): void;
}

export interface HeldRefusalsOptions {
  /** 0 holds nothing. */
  readonly forMs: number;
  readonly heldMax: number;
  readonly nowMs: () => number;
}

interface Held {
  readonly untilMs: number;
  readonly letGo: () => void;
}

export function createHeldRefusals(options: HeldRefusalsOptions): HeldRefusals {
  // All are held equally long, so the first is the next.
  let queue: Held[] = [];
  let isClosed = false;
  const release = (nowMs: number): void => {
    let released = 0;
    for (const { untilMs, letGo } of queue) {
      if (untilMs > nowMs) break;
      letGo();
      released += 1;
    }
    if (released > 0) queue = queue.slice(released);
  };
  return {
    hold() {
      if (isClosed || options.forMs === 0 || queue.length >= options.heldMax) return undefined;
      const untilMs = options.nowMs() + options.forMs;
      return new Promise((letGo) => queue.push({ untilMs, letGo }));
    },
    release,
    size: () => queue.length,
    close() {
      isClosed = true;
      release(Infinity);
    },
  };
}
