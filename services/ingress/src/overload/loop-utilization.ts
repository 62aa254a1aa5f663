/** Share of the time since the last call in which the event loop of this thread was not idle. */
export function loopUtilization(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}

/** A thread that is asked by the loop may be the one that cannot do more. */
export function busiest(...shares: readonly (() => number)[]): () => number {
  return () => Math.max(...shares.map((share) => share()));
}
