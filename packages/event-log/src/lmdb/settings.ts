/** Every knob of the embedded log with the reason of its default. */
export interface LmdbLogOptions {
  /** Shared by all processes that use this log; local disk, no network file system. */
  readonly directory: string;
  /** Unix milliseconds for append times. */
  readonly clock?: () => number;
  /** A segment is sealed at this size: 4 GiB keeps the number of files small. */
  readonly segmentBytesMax?: number;
  /** … or at this age: a tenth of the retention, so that at most a tenth is kept too long. */
  readonly segmentMs?: number;
  /** How often expired segments are looked for; 0 = only by `expireSegments`. */
  readonly retentionEveryMs?: number;
  /** How long a silent member of a group keeps its partitions. */
  readonly leaseMs?: number;
  /** How often an idle reader looks for records of other processes. */
  readonly pollIdleMs?: number;
  /** The same while other processes are writing: it is what they add to each other's latency. */
  readonly pollBusyMs?: number;
  /** A commit that takes longer makes the log unavailable instead of making callers wait. */
  readonly commitTimeoutMs?: number;
}

export interface LmdbSettings {
  readonly directory: string;
  readonly clock: () => number;
  readonly segmentBytesMax: number;
  readonly segmentMs: number | undefined;
  readonly mapBytes: number;
  readonly retentionEveryMs: number;
  readonly leaseMs: number;
  readonly pollIdleMs: number;
  readonly pollBusyMs: number;
  readonly commitTimeoutMs: number;
}

const giB = 1024 ** 3;
const mapBytesMin = 256 * 1024 ** 2;

export function lmdbSettings(options: LmdbLogOptions): LmdbSettings {
  const segmentBytesMax = options.segmentBytesMax ?? 4 * giB;
  return {
    directory: options.directory,
    clock: options.clock ?? Date.now,
    segmentBytesMax,
    segmentMs: options.segmentMs,
    // Pages are at least half full, and one commit may exceed the limit that ends a segment.
    mapBytes: Math.max(mapBytesMin, 4 * segmentBytesMax),
    retentionEveryMs: options.retentionEveryMs ?? 30_000,
    leaseMs: options.leaseMs ?? 3_000,
    pollIdleMs: options.pollIdleMs ?? 20,
    pollBusyMs: options.pollBusyMs ?? 2,
    commitTimeoutMs: options.commitTimeoutMs ?? 10_000,
  };
}

/** How old the written segment of a topic may grow. */
export function segmentMsOf(settings: LmdbSettings, retentionMs: number | 'forever'): number {
  if (settings.segmentMs !== undefined) return settings.segmentMs;
  return retentionMs === 'forever' ? Number.POSITIVE_INFINITY : Math.ceil(retentionMs / 10);
}
