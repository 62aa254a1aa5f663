import { addedP99Ms, goalP99Ms } from '../bench/latency-tables.js';
import { countText } from '../figure-table.js';
import { crawlLimit, limitOf } from './limits.js';
import type { Kept } from './measurements.js';

export interface Goal {
  readonly what: string;
  readonly goal: number;
  readonly measured: number | undefined;
  readonly by: string;
  readonly kind: keyof typeof texts;
  /** Of a goal that is an upper bound. */
  readonly isAtMost?: boolean;
  /** What stands in the way, where it is missed. */
  readonly limit?: string | undefined;
}

const texts = {
  rate: (value: number) => `${countText(value)}/s`,
  ratio: (value: number) => value.toFixed(2),
  times: (value: number) => `${countText(value)} ×`,
  count: countText,
  ms: (value: number) => `${value.toFixed(1)} ms`,
  seconds: (value: number) => `${value.toFixed(1)} s`,
  percent: (value: number) => `${value.toFixed(2)} % a minute`,
};

/** What the platform is to reach, beside what the kept runs reached. */
export function goalRows(kept: Kept): string[][] {
  return goalsOf(kept).flatMap((goal) => {
    const { what, measured, by, kind, isAtMost = false } = goal;
    if (measured === undefined) return [];
    const sign = isAtMost ? '≤' : '≥';
    const verdict = isMet(goal) ? 'met' : 'missed';
    return [[what, `${sign} ${texts[kind](goal.goal)}`, texts[kind](measured), verdict, by]];
  });
}

/** Goals that were missed, by the piece that is their limit. */
export function missedRows(kept: Kept): string[][] {
  const byLimit = new Map<string, string[]>();
  for (const goal of goalsOf(kept)) {
    if (goal.measured === undefined || isMet(goal)) continue;
    const limit = goal.limit ?? `not known yet: the table of \`${goal.by}\` has its pieces`;
    byLimit.set(limit, [...(byLimit.get(limit) ?? []), goal.what]);
  }
  return [...byLimit].map(([limit, goals]) => [goals.join('; '), limit]);
}

function isMet({ measured = Number.NaN, goal, isAtMost = false }: Goal): boolean {
  return isAtMost ? measured <= goal : measured >= goal;
}

function goalsOf(kept: Kept): Goal[] {
  return [
    ...challengeGoals(kept),
    ...crawlGoals(kept),
    ...facilitatorGoals(kept),
    ...latencyGoals(kept),
    ...settlementGoals(kept),
    ...historyGoals(kept),
  ];
}

const bench = 'npm run bench';
/** A goal that physics refuses is met within a fifth of its limit. */
const ofLimit = 0.8;

function challengeGoals(kept: Kept): Goal[] {
  const { loads = {}, ratios = {} } = kept.bench ?? {};
  const names = ['challenges', 'challenges-64', 'challenges-256'].filter((name) => name in loads);
  const limit = limitOf.challenges(kept);
  return names.flatMap((name): Goal[] => {
    const atOnce = name.split('-')[1] ?? '64';
    const what = `challenges, ${atOnce} at once`;
    const measured = loads[name]?.ratePerS;
    return [
      {
        ...{ what: `${what}, each durable before it is answered`, goal: 40_000, limit },
        ...{ measured, kind: 'rate', by: bench },
      },
      {
        ...{ what: `${what}, to bare Fastify answering the same bytes`, goal: 0.5, limit },
        ...{ measured: ratios[name], kind: 'ratio', by: bench },
      },
    ];
  });
}

function crawlGoals(kept: Kept): Goal[] {
  const { loads = {}, ratios = {}, machine } = kept.bench ?? {};
  // Recovery is measured on one core; the goals speak of all.
  const cores = machine?.cores ?? 1;
  const rate = loads['paid-64']?.ratePerS;
  const limit = limitOf.crawls(kept);
  const failures = [1, 64, 1_024].map((atOnce) => loads[`paid-${atOnce}`]?.failures);
  const known = failures.every((one) => one !== undefined);
  const ratio = (what: string, measured: number | undefined, goal: number, by = bench): Goal => ({
    ...{ what, measured, goal, by, limit, kind: 'ratio' },
  });
  return [
    {
      what: 'paid crawls, 64 at once',
      goal: 8_000,
      measured: rate,
      kind: 'rate',
      by: bench,
      limit,
    },
    ratio('paid crawls, to bare recovery on all cores', over(ratios['paid-64'], cores), 0.3),
    ratio(
      'paid crawls, to what their steps allow on these cores',
      over(rate, crawlLimit(kept)),
      ofLimit,
      'npm run bench:steps',
    ),
    {
      ...{ what: 'paid crawls, to the best of the x402 reference', goal: 150, kind: 'times' },
      ...{ measured: kept.peers?.ratios?.paid, by: 'npm run bench:peers', limit },
    },
    {
      ...{ what: 'paid crawls that failed, at 1, 64 and 1,024 at once', goal: 0, isAtMost: true },
      measured: known ? failures.reduce<number>((sum, one = 0) => sum + one, 0) : undefined,
      ...{ kind: 'count', by: bench },
    },
    {
      ...{ what: 'records of a paid crawl', goal: 6, isAtMost: true, kind: 'count' },
      ...{ measured: kept.steps?.recordsPerCrawl, by: 'npm run bench:steps' },
    },
    {
      ...{ what: 'first proofs of payers never seen', goal: 1_000, kind: 'rate', by: bench },
      measured: loads['first-proofs']?.ratePerS,
    },
    {
      ...{ what: 'paid crawls beside a flood of empty wallets, to without it', goal: 0.9 },
      ...{ measured: ratios.flood, kind: 'ratio', by: bench, limit: limitOf.flood(kept) },
    },
    ratio(
      'paid crawls over Kafka, to embedded',
      kept.kafka?.ratios['paid-kafka'],
      0.5,
      'npm run bench -- --kafka',
    ),
  ];
}

function facilitatorGoals(kept: Kept): Goal[] {
  const { loads = {}, ratios = {}, machine } = kept.bench ?? {};
  const limit = limitOf.verify(kept);
  const measured = loads.verify?.ratePerS;
  return [
    { what: 'facilitator /verify', goal: 10_000, measured, kind: 'rate', by: bench, limit },
    {
      ...{ what: '/verify, to bare recovery on all cores', goal: 0.4, kind: 'ratio', by: bench },
      ...{ measured: over(ratios.verify, machine?.cores ?? 1), limit },
    },
    {
      ...{ what: 'facilitator /verify, to the x402 reference', goal: 50, kind: 'times', limit },
      ...{ measured: kept.peers?.ratios?.verify, by: 'npm run bench:peers' },
    },
  ];
}

function latencyGoals(kept: Kept): Goal[] {
  const added = (name: 'latency' | 'latency-kafka', what: string, flags: string): Goal[] => {
    const figures = kept[name];
    if (figures === undefined) return [];
    return [
      {
        ...{ what: `added latency of a paid crawl at half load, p99, ${what}`, isAtMost: true },
        ...{ goal: goalP99Ms(figures), measured: addedP99Ms(figures), kind: 'ms' },
        ...{ by: `npm run bench:latency${flags}`, limit: limitOf.latency(figures) },
      },
    ];
  };
  const goodputs = kept.overload?.beyond.offers.map(({ goodput }) => goodput) ?? [];
  return [
    ...added('latency', 'embedded', ''),
    ...added('latency-kafka', 'over Kafka', ' -- --kafka'),
    {
      ...{ what: 'served beyond the knee, to the peak (the least)', goal: 0.9, kind: 'ratio' },
      measured: goodputs.length === 0 ? undefined : Math.min(...goodputs),
      by: 'npm run bench:overload',
      limit: limitOf.goodput(kept),
    },
  ];
}

function settlementGoals({ settlement }: Kept): Goal[] {
  const by = 'npm run bench:settlement';
  const { authorizationsPerS, gasPerAuthorization } = settlement ?? {};
  return [
    {
      ...{ what: 'authorizations settled, first charge to last confirmation', goal: 500 },
      ...{ measured: authorizationsPerS, kind: 'rate', by },
    },
    {
      ...{ what: 'gas of an authorization', goal: 55_000, isAtMost: true },
      ...{ measured: gasPerAuthorization, kind: 'count', by },
    },
  ];
}

function historyGoals(kept: Kept): Goal[] {
  const { replay, revenue, soak, start } = kept;
  const folds = [replay?.admission, ...(replay?.settlement ?? [])].flatMap((one) => one ?? []);
  const rates = folds.map(({ eventsPerS, onAllCores }) => onAllCores?.eventsPerS ?? eventsPerS);
  const ready = start?.starts.map(({ readyMs }) => readyMs / 1_000) ?? [];
  const growth = soak?.series
    .filter(({ isBounded }) => isBounded)
    .map(({ medianMiB, slopeMiBPerMinute }) => (100 * slopeMiBPerMinute) / medianMiB);
  const most = (values: readonly number[] = []) =>
    values.length === 0 ? undefined : Math.max(...values);
  return [
    {
      ...{
        what: 'replay of the log into a fold on all cores (the slowest)',
        goal: 100_000,
        kind: 'rate',
      },
      measured: rates.length === 0 ? undefined : Math.min(...rates),
      ...{ by: 'npm run bench:replay', limit: limitOf.replay(kept) },
    },
    {
      ...{ what: 'facts of the log into ClickHouse', goal: 200_000, kind: 'rate' },
      measured: replay?.rebuild.factsPerS,
      ...{ by: 'npm run bench:replay', limit: limitOf.rebuild(kept) },
    },
    {
      ...{ what: `revenue of a month out of ${countText(revenue?.facts ?? 0)} facts, p95` },
      ...{ goal: 50, isAtMost: true, kind: 'ms', by: 'npm run bench:revenue' },
      measured: most(revenue?.queries.map(({ p95Ms }) => p95Ms)),
      limit: limitOf.revenue(kept),
    },
    {
      ...{ what: `growth of memory over ${soak?.rates.minutes ?? 0} minutes (the fastest)` },
      ...{ goal: 100 * (soak?.boundPerMinute ?? 0), isAtMost: true, kind: 'percent' },
      ...{ measured: most(growth), by: 'npm run bench:soak' },
    },
    {
      ...{ what: `start to ready with ${countText(start?.payers ?? 0)} payers (the slowest)` },
      ...{ goal: 10, isAtMost: true, kind: 'seconds', by: 'npm run bench:start -- --platform' },
      measured: most(ready),
    },
  ];
}

function over(value: number | undefined, by: number | undefined): number | undefined {
  return value === undefined || by === undefined ? undefined : value / by;
}
