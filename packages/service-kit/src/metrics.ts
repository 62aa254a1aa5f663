import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type { Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface MetricsOptions {
  readonly service: string;
  /** Process figures (heap, event loop, collections); one service per process should ask. */
  readonly isProcessMeasured?: boolean;
}

export interface MetricSpec<L extends string> {
  /** Full name with unit, for example `paycrawl_fold_commit_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly L[];
}

export interface CounterSpec<L extends string> extends MetricSpec<L> {
  /** Called at each scrape, for what is counted elsewhere. */
  readonly collect?: () => void | Promise<void>;
}

export interface GaugeSpec<L extends string> extends MetricSpec<L> {
  /** Called at each scrape, so that a gauge costs nothing between scrapes. */
  readonly collect?: (gauge: Gauge<L>) => void | Promise<void>;
}

export interface HistogramSpec<L extends string> extends MetricSpec<L> {
  readonly buckets?: readonly number[];
}

export interface Metrics {
  readonly registry: Registry;
  counter<L extends string>(spec: CounterSpec<L>): Counter<L>;
  gauge<L extends string>(spec: GaugeSpec<L>): Gauge<L>;
  histogram<L extends string>(spec: HistogramSpec<L>): Histogram<L>;
  tally<L extends string>(spec: TallySpec<L>): Tally;
  /** Prometheus text format. */
  render(): Promise<string>;
}

export interface TallySpec<L extends string> extends MetricSpec<L> {
  /** Values of the labels, in their order, of what was counted under this key. */
  readonly labelsOf?: (key: string) => Readonly<Record<L, string>>;
}

/**
 * A counter for hot paths: one addition in a map. The key is the value of its only label, or what
 * `labelsOf` makes of it; the keys must be few and known.
 */
export interface Tally {
  count(key: string, by?: number): void;
}

/** Seconds, from half a millisecond to ten seconds: from an LMDB commit to a slow origin. */
export const durationBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service: options.service });
  if (options.isProcessMeasured === true) collectDefaultMetrics({ register: registry });
  return {
    registry,
    counter: ({ collect, ...spec }) =>
      new Counter({ ...common(registry, spec), ...(collect === undefined ? {} : { collect }) }),
    gauge: (spec) => createGauge(registry, spec),
    histogram: (spec) =>
      new Histogram({
        ...common(registry, spec),
        buckets: [...(spec.buckets ?? durationBuckets)],
      }),
    tally: (spec) => createTally(registry, spec),
    render: () => registry.metrics(),
  };
}

function createTally<L extends string>(registry: Registry, spec: TallySpec<L>): Tally {
  const counted = new Map<string, number>();
  const [label] = spec.labels ?? [];
  const labelsOf =
    spec.labelsOf ??
    ((key: string) => (label === undefined ? {} : { [label]: key }) as Record<L, string>);
  const counter = new Counter<L>({
    ...common(registry, spec),
    collect() {
      for (const [key, count] of counted) {
        // A key stays, so that its next count finds it where it was.
        if (count > 0) counter.inc(labelsOf(key), count);
        counted.set(key, 0);
      }
    },
  });
  return { count: (key, by = 1) => void counted.set(key, (counted.get(key) ?? 0) + by) };
}

function createGauge<L extends string>(registry: Registry, spec: GaugeSpec<L>): Gauge<L> {
  const { collect } = spec;
  if (collect === undefined) return new Gauge(common(registry, spec));
  return new Gauge({
    ...common(registry, spec),
    collect() {
      return collect(this as Gauge<L>);
    },
  });
}

function common<L extends string>(registry: Registry, spec: MetricSpec<L>) {
  return {
    name: spec.name,
    help: spec.help,
    labelNames: [...(spec.labels ?? [])],
    registers: [registry],
  };
}
