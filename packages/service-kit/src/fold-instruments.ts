import { createFoldSpans, type FoldedOutput } from './fold-spans.js';
import type { Counter, Gauge, Metrics, Registry, Tally } from './metrics.js';
import type { Telemetry } from './telemetry.js';

/** Where a fold stands in one partition, as its runtime tells it. */
export interface FoldStanding {
  readonly topic: string;
  readonly partition: number;
  readonly storedOffset: number;
  readonly logNextOffset: number;
  /** Append time of the oldest record that is not in the durable state. */
  readonly oldestUncommittedMs: number | undefined;
}

/** What every fold tells about itself, under the same names, so that one alert covers them all. */
export interface FoldInstruments {
  /** `onFolded` of the runtime of a fold that writes to the log. */
  folded(outputs: readonly FoldedOutput[]): void;
  /** `onRestart` of the runtime. */
  restarted(): void;
  deadLettered(code: string): void;
  /** Asked at each scrape. */
  watch(standing: () => Promise<readonly FoldStanding[]>): void;
}

export interface FoldInstrumentsOptions {
  readonly fold: string;
  readonly metrics: Metrics;
  readonly telemetry?: Telemetry | undefined;
  clock(): number;
}

interface Source {
  readonly fold: string;
  clock(): number;
  standing(): Promise<readonly FoldStanding[]>;
  /** By partition: the position at the last scrape, and since when it has not moved. */
  readonly seen: Map<string, Seen>;
}

interface Seen {
  readonly storedOffset: number;
  /** Since when there is lag and nothing was stored; undefined: it moves, or has nothing to do. */
  readonly stalledSinceMs: number | undefined;
}

interface FoldMetrics {
  readonly sources: Source[];
  readonly restarts: Counter<'fold'>;
  readonly deadLetters: Tally;
}

/** Several folds of one process share a registry and these metrics. */
const known = new WeakMap<Registry, FoldMetrics>();

export function createFoldInstruments(options: FoldInstrumentsOptions): FoldInstruments {
  const { fold, metrics, telemetry, clock } = options;
  const shared = known.get(metrics.registry) ?? registerFoldMetrics(metrics);
  const spans = telemetry && createFoldSpans({ telemetry, service: fold, clock });
  const deadLettered = (code: string): void => shared.deadLetters.count(`${fold}/${code}`);
  // Both are there before the first of them happens: a rate needs the zero.
  shared.restarts.inc({ fold }, 0);
  return {
    folded(outputs) {
      for (const { output } of outputs) {
        if (output.type === 'RecordDeadLettered') deadLettered(codeOf(output.data));
      }
      spans?.(outputs);
    },
    restarted: () => shared.restarts.inc({ fold }),
    deadLettered,
    watch: (standing) => void shared.sources.push({ fold, clock, standing, seen: new Map() }),
  };
}

function codeOf(data: object): string {
  return 'code' in data && typeof data.code === 'string' ? data.code : 'internal';
}

const places = ['fold', 'topic', 'partition'] as const;
type Place = (typeof places)[number];

function registerFoldMetrics(metrics: Metrics): FoldMetrics {
  const sources: Source[] = [];
  let round: Promise<void> | undefined;
  // All four tell of one moment: whichever is asked first asks for all.
  const collect = (): Promise<void> => {
    round ??= tellAll(sources, told).finally(() => {
      round = undefined;
    });
    return round;
  };
  const told: Told = {
    lag: metrics.gauge({
      name: 'paycrawl_fold_lag_records',
      help: 'Records in the log that are not in the durable state',
      labels: places,
      collect,
    }),
    oldest: metrics.gauge({
      name: 'paycrawl_fold_oldest_uncommitted_seconds',
      help: 'Age of the oldest record that is not in the durable state, by its append time',
      labels: places,
      collect,
    }),
    stalled: metrics.gauge({
      name: 'paycrawl_fold_stalled_seconds',
      help: 'For how long there has been lag and nothing was committed; what /livez looks at',
      labels: places,
      collect,
    }),
    records: metrics.counter({
      name: 'paycrawl_fold_records_total',
      help: 'Records that reached the durable state; its rate is the speed of the fold',
      labels: places,
      collect,
    }),
  };
  const shared: FoldMetrics = {
    sources,
    restarts: metrics.counter({
      name: 'paycrawl_fold_restarts_total',
      help: 'Times that a fold began again at its last durable position',
      labels: ['fold'],
    }),
    deadLetters: metrics.tally({
      name: 'paycrawl_dead_letters_total',
      help: 'Records that were put aside: unreadable ones, and outcomes that came too late',
      labels: ['fold', 'code'],
      labelsOf: (key) => {
        const [fold = '', code = ''] = key.split('/');
        return { fold, code };
      },
    }),
  };
  known.set(metrics.registry, shared);
  return shared;
}

interface Told {
  readonly lag: Gauge<Place>;
  readonly oldest: Gauge<Place>;
  readonly stalled: Gauge<Place>;
  readonly records: Counter<Place>;
}

async function tellAll(sources: readonly Source[], told: Told): Promise<void> {
  const all = await Promise.all(
    sources.map(async (source) => ({ source, standing: await source.standing() })),
  );
  // A partition that went to another owner is told of there.
  for (const gauge of [told.lag, told.oldest, told.stalled]) gauge.reset();
  for (const { source, standing } of all) for (const one of standing) tell(source, one, told);
}

function tell(source: Source, standing: FoldStanding, told: Told): void {
  const { topic, storedOffset, logNextOffset, oldestUncommittedMs } = standing;
  const labels = { fold: source.fold, topic, partition: String(standing.partition) };
  const nowMs = source.clock();
  const key = `${topic}/${standing.partition}`;
  const before = source.seen.get(key);
  const lag = Math.max(0, logNextOffset - storedOffset);
  const isStill = lag > 0 && before?.storedOffset === storedOffset;
  const stalledSinceMs = isStill ? (before.stalledSinceMs ?? nowMs) : undefined;
  source.seen.set(key, { storedOffset, stalledSinceMs });
  told.lag.set(labels, lag);
  told.oldest.set(labels, secondsSince(oldestUncommittedMs, nowMs));
  told.stalled.set(labels, secondsSince(stalledSinceMs, nowMs));
  // A partition that comes from another owner begins where that one stopped counting.
  told.records.inc(labels, Math.max(0, storedOffset - (before?.storedOffset ?? storedOffset)));
}

function secondsSince(sinceMs: number | undefined, nowMs: number): number {
  return sinceMs === undefined ? 0 : Math.max(0, nowMs - sinceMs) / 1000;
}
