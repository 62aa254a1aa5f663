import type { Health } from './health.js';

export interface PartitionProgress {
  readonly storedOffset: number;
  readonly logNextOffset: number;
}

/** Liveness is progress: lag, and no position stored for this long, fails the probe. */
export function watchProgress(
  health: Health,
  name: string,
  options: {
    readonly stalledAfterMs: number;
    /** Per partition that this process owns. */
    progress(): Promise<readonly PartitionProgress[]>;
  },
): void {
  let storedBefore = 0;
  const watched = health.progress(name, {
    stalledAfterMs: options.stalledAfterMs,
    lag: async () => {
      const all = await options.progress();
      const stored = all.reduce((sum, { storedOffset }) => sum + storedOffset, 0);
      // Partitions that came or went move the sum as well: that too is progress.
      if (stored !== storedBefore) watched.committed();
      storedBefore = stored;
      return all.reduce((sum, one) => sum + one.logNextOffset - one.storedOffset, 0);
    },
  });
}
