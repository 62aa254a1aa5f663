import type { Health } from './health.js';

export interface PartitionProgress {
  readonly storedOffset: number;
  readonly logNextOffset: number;
}

export interface ProgressSource {
  readonly stalledAfterMs: number;
  /** Per partition that this process owns. */
  progress(): Promise<readonly PartitionProgress[]>;
}

/** Below the time that a probe may take. */
const answerTimeoutMs = 1_000;

/**
 * Liveness is progress: lag, and no position stored for this long, fails the probe. While the log
 * does not answer, lag is unknown and the process counts as alive: to end it would bring no broker
 * back, and `/readyz` says what is wrong.
 */
export function watchProgress(health: Health, name: string, source: ProgressSource): void {
  let storedBefore = 0;
  const watched = health.progress(name, {
    stalledAfterMs: source.stalledAfterMs,
    lag: async () => {
      const all = await answerOf(source);
      if (all === undefined) return 0;
      const stored = all.reduce((sum, { storedOffset }) => sum + storedOffset, 0);
      // Partitions that came or went move the sum as well: that too is progress.
      if (stored !== storedBefore) watched.committed();
      storedBefore = stored;
      return all.reduce((sum, one) => sum + one.logNextOffset - one.storedOffset, 0);
    },
  });
}

async function answerOf(source: ProgressSource): Promise<readonly PartitionProgress[] | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), answerTimeoutMs);
  });
  const answer = source.progress().catch(() => undefined);
  const first = await Promise.race([answer, late]);
  clearTimeout(timer);
  return first;
}
