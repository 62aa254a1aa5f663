/**
 * When the group last confirmed this member. A process that was frozen, or cut off, for longer
 * than its session is no owner any more, only nobody has told it yet: it asks before it goes on.
 */
export interface Pulse {
  /** The group has just confirmed the membership. */
  beat(): void;
  isFresh(): boolean;
  /** Resolves at the next beat, or when woken. */
  next(): Promise<void>;
  wake(): void;
}

export function createPulse(sessionTimeoutMs: number): Pulse {
  let heardMs = Number.NEGATIVE_INFINITY;
  let wakers: (() => void)[] = [];
  const wake = () => {
    const woken = wakers;
    wakers = [];
    for (const waker of woken) waker();
  };
  return {
    beat() {
      heardMs = performance.now();
      wake();
    },
    isFresh: () => performance.now() - heardMs < sessionTimeoutMs,
    next: () => new Promise((resolve) => wakers.push(resolve)),
    wake,
  };
}
