/**
 * Until when the group has confirmed this member. A process that was frozen, or cut off, for longer
 * than its session is no owner any more, only nobody has told it yet: it asks before it goes on.
 *
 * Another member that joins meanwhile may have its partitions sooner, after a rebalance timeout. To
 * stop by then would stop everybody whenever their coordinator fails over; the work that is done
 * twice instead is dropped by its cause (docs/adr/0001-the-log-decides.md).
 */
export interface Pulse {
  /**
   * The group has confirmed what it was asked at this time (`performance.now()`). The session of
   * the group begins when the question arrives, not when its answer is read: a process that was
   * frozen in between wakes up with the answer before it, however old it is.
   */
  beat(askedMs: number): void;
  isFresh(): boolean;
  /** Resolves at the next beat, or when woken. */
  next(): Promise<void>;
  wake(): void;
}

export function createPulse(sessionTimeoutMs: number): Pulse {
  let confirmedMs = Number.NEGATIVE_INFINITY;
  let wakers: (() => void)[] = [];
  const wake = () => {
    const woken = wakers;
    wakers = [];
    for (const waker of woken) waker();
  };
  return {
    beat(askedMs) {
      confirmedMs = Math.max(confirmedMs, askedMs);
      wake();
    },
    isFresh: () => performance.now() - confirmedMs < sessionTimeoutMs,
    next: () => new Promise((resolve) => wakers.push(resolve)),
    wake,
  };
}
