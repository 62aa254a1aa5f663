import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { benchBareRecovery } from './bench/bare.js';
import type { Verdict } from './bench/bench-audit.js';
import { type BenchPlatform, withBenchPlatform } from './bench/bench-platform.js';
import { benchPaidCrawls } from './bench/crawls.js';
import { benchDurableAppend } from './bench/durable-append.js';
import { benchPaidOverKafka, type PaidOverKafka } from './bench/paid-over-kafka.js';
import {
  type LoadSizes,
  loadPlatform,
  loadStrangers,
  type NewPayersLoads,
  type PlatformLoads,
} from './bench/platform-loads.js';
import { benchReplay } from './bench/replay.js';
import { benchRevenueQuery } from './bench/revenue-query.js';
import { note } from './command-line.js';
import type { LoadFigures } from './driver/closed-loop.js';
import { type Machine, thisMachine, writeFigures } from './figures.js';

// Every figure of the documentation comes from here; each stands beside its limit, measured in
// the same run on the same machine. Whatever ran on a platform is audited at the end.
//   --first-proofs  proofs of payers never seen alone, and what a flood of empty wallets costs
//   --kafka         paid crawls alone, on the embedded log and then with every service as a process
//                   over a broker, all of it on this machine
//   --quick         a tenth of everything: shows that all of it runs, and its figures are none
//   --json <file>   the figures as data as well

const { values: flags } = parseArgs({
  options: {
    'first-proofs': { type: 'boolean', default: false },
    kafka: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const share = flags.quick ? 10 : 1;
const sizes: LoadSizes = {
  connections: 64,
  manyConnections: 256,
  loadSeconds: 5 / share,
  verifications: 20_000 / share,
  newPayers: 10_000 / share,
  newPayersAtOnce: 256,
  // Few enough each that what they owe is settled well before the time of `exact` is over.
  paid: [
    { atOnce: 1, crawls: 1_000 / share, warmUpCrawls: 200 / share },
    { atOnce: 64, crawls: 10_000 / share, warmUpCrawls: 5_000 / share },
    // Several for each connection, also where it is quick.
    { atOnce: 1_024, crawls: 20_000 / share, warmUpCrawls: 5_000 / share },
  ],
  flood: { pairs: 3, crawls: 5_000 / share, penniless: 40_000 / share },
};
const recoveries = 20_000;
const replayCrawls = 50_000 / share;
const floodGoal = 0.9;
const firstProofsGoal = 1_000;

interface Row {
  readonly what: string;
  readonly figure: string;
  readonly limit?: string;
}

/** What `--json` writes: the table as it is printed, and the figures in it. */
export interface BenchFigures {
  readonly machine: Machine;
  readonly rows: readonly Row[];
  /** What plans are made with. */
  readonly ratesPerS: Readonly<Record<string, number>>;
  readonly loads: Readonly<Record<string, LoadFigures>>;
  readonly ratios: Readonly<Record<string, number>>;
}

const rows: Row[] = [];
const ratesPerS: Record<string, number> = {};
const loads: Record<string, LoadFigures> = {};
const ratios: Record<string, number> = {};
note('bare limits');
const recovery = benchBareRecovery(recoveries);
ratesPerS.recovery = recovery.perS;
const bareRecovery = { name: `bare recovery (${recovery.engine}), one core`, perS: recovery.perS };
if (flags.kafka) await benchBothLogs();
else if (flags['first-proofs']) await benchPlatform(loadStrangers, pushStrangers);
else await benchAll();
print();
if (flags.json !== undefined) {
  const machine = thisMachine(Date.now());
  writeFigures(flags.json, { machine, rows, ratesPerS, loads, ratios } satisfies BenchFigures);
}

async function benchAll(): Promise<void> {
  const { connections, loadSeconds } = sizes;
  const appends = await inTemporaryFolder((directory) =>
    benchDurableAppend({ directory, seconds: loadSeconds, callers: connections }),
  );
  await benchPlatform(loadPlatform, pushPlatform);
  rows.push({
    what: `durable appends of 800 B, ${connections} callers`,
    figure: `${perS(appends.recordsPerS)}, p50 ${appends.p50Ms.toFixed(1)} ms`,
  });
  note('replay');
  const replay = await benchReplay({ fold: 'admission', crawls: replayCrawls });
  ratesPerS.admission = replay.eventsPerS;
  rows.push({ what: 'replay of the log into the admission fold', figure: perS(replay.eventsPerS) });
  if (flags.quick) return;
  note('revenue queries on ten million facts');
  const revenue = await benchRevenueQuery();
  for (const { by, of, p50Ms, p95Ms } of revenue.queries) {
    const whose = of === 'any' ? "a publisher's month" : "the largest publisher's month";
    rows.push({
      what: `${whose} by ${by}, ${revenue.facts.toLocaleString('en')} facts`,
      figure: `p50 ${p50Ms.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms`,
      limit: 'goal: p95 under 50 ms',
    });
  }
}

async function benchPlatform<Loads>(
  load: (platform: BenchPlatform, loadSizes: LoadSizes, say: typeof note) => Promise<Loads>,
  pushLoads: (loads: Loads) => void,
): Promise<void> {
  note('platform');
  const { result, ...verdict } = await withBenchPlatform((platform) => load(platform, sizes, note));
  pushLoads(result);
  pushVerdict('audit', verdict);
}

function pushPlatform(platformLoads: PlatformLoads & NewPayersLoads): void {
  const { unpaid, verify, paid } = platformLoads;
  for (const { atOnce, challenges, bareFastify } of unpaid) {
    ratesPerS.challenges = Math.max(ratesPerS.challenges ?? 0, challenges.ratePerS);
    ratesPerS.fastify = Math.max(ratesPerS.fastify ?? 0, bareFastify.ratePerS);
    const what = `challenges, each durable before it is answered, ${atOnce} at once`;
    push(`challenges-${atOnce}`, what, challenges, {
      name: 'bare Fastify, same bytes',
      perS: bareFastify.ratePerS,
    });
  }
  push('verify', `facilitator /verify, ${sizes.manyConnections} at once`, verify, bareRecovery);
  for (const { atOnce, figures } of paid) {
    push(`paid-${atOnce}`, `paid crawls of known payers, ${atOnce} at once`, figures, bareRecovery);
  }
  pushStrangers(platformLoads);
}

function pushStrangers({ firstProofs, flood }: NewPayersLoads): void {
  const what = `first proofs of payers never seen, ${sizes.newPayersAtOnce} at once`;
  push('first-proofs', what, firstProofs, {
    name: `the goal (${firstProofsGoal}/s)`,
    perS: firstProofsGoal,
  });
  const { ratio, cpuRatio } = flood;
  ratios.flood = ratio;
  if (cpuRatio !== undefined) ratios['flood-cpu'] = cpuRatio;
  const [alone, beside, empty] = [flood.alone, flood.beside, flood.flood].map(allOf);
  if (alone === undefined || beside === undefined || empty === undefined) return;
  Object.assign(loads, { 'flood-alone': alone, 'flood-beside': beside, flood: empty });
  const failures = alone.failures + beside.failures;
  if (failures > 0) process.exitCode = 1;
  rows.push({
    what: 'paid crawls beside a flood of empty wallets, as many at once',
    figure: `${perS(beside.ratePerS)}, p99 ${beside.p99Ms.toFixed(1)} ms, ${failures} failures`,
    limit:
      `${ratio.toFixed(2)} × without it, in turns (goal: ${floodGoal})` +
      (cpuRatio === undefined ? '' : `; by processor time ${cpuRatio.toFixed(2)} ×`),
  });
  const others = Object.entries(empty.seen).map(([status, times]) => `, ${times} × ${status}`);
  rows.push({
    what: '  the flood itself',
    figure: `${perS(empty.requests / empty.seconds)}: ${empty.requests - empty.failures} × 402${others.join('')}`,
  });
}

/** Of several turns: counts and times add up; of latencies the worst turn is told. */
function allOf(turns: readonly LoadFigures[]): LoadFigures {
  const sum = (of: (turn: LoadFigures) => number) => turns.reduce((all, one) => all + of(one), 0);
  const most = (of: (turn: LoadFigures) => number) => Math.max(0, ...turns.map(of));
  const [requests, failures] = [sum((one) => one.requests), sum((one) => one.failures)];
  const seconds = sum((one) => one.seconds);
  const seen: Record<string, number> = {};
  for (const [what, times] of turns.flatMap((one) => Object.entries(one.seen))) {
    seen[what] = (seen[what] ?? 0) + times;
  }
  const latencies = { p50Ms: most((one) => one.p50Ms), p99Ms: most((one) => one.p99Ms) };
  const ratePerS = (requests - failures) / Math.max(seconds, Number.EPSILON);
  return { requests, failures, seconds, ratePerS, ...latencies, seen };
}

async function benchBothLogs(): Promise<void> {
  const { connections } = sizes;
  note(`embedded: paid crawls, ${connections} at once`);
  const crawls = { connections, crawls: 10_000 / share, warmUpCrawls: 5_000 / share };
  const { result: embedded, ...verdict } = await withBenchPlatform(({ run, target }) =>
    benchPaidCrawls(target, { ...crawls, payers: run.wallets }),
  );
  push('paid-embedded', 'paid crawls, embedded log', embedded, bareRecovery);
  pushVerdict('audit, embedded', verdict);
  const kafka = await benchPaidOverKafka({ ...crawls, note });
  const what = 'paid crawls over Kafka, one process of each service, broker beside them';
  push('paid-kafka', what, kafka.figures, {
    // Failures are quick or slow, never a rate to be measured against.
    name: embedded.failures > 0 ? 'embedded, which FAILED: no ratio' : 'embedded (goal: 0.5)',
    perS: embedded.ratePerS,
  });
  pushCpu(kafka);
  pushVerdict('audit over Kafka', kafka);
}

function pushCpu({ cpu, idle }: PaidOverKafka): void {
  for (const { name, us } of cpu) {
    rows.push({ what: `  CPU of a crawl over Kafka: ${name}`, figure: `${us.toFixed(0)} µs` });
  }
  for (const { name, share: ofCore } of idle) {
    const percent = (ofCore * 100).toFixed(1);
    rows.push({ what: `  CPU when nobody crawls: ${name}`, figure: `${percent} % of a core` });
  }
}

/** A run with a lost or doubled event is a failed run, and so is one with a failed request. */
function pushVerdict(what: string, { verdict, isClean }: Verdict): void {
  rows.push({ what, figure: verdict, limit: isClean ? 'clean' : 'FAILED' });
  if (!isClean) process.exitCode = 1;
}

function push(
  key: string,
  what: string,
  figures: LoadFigures,
  limit: { name: string; perS: number },
): void {
  const { ratePerS, failures, p50Ms, p99Ms, seen } = figures;
  loads[key] = figures;
  ratios[key] = ratePerS / limit.perS;
  if (failures > 0) {
    note(`${what}: failures ${JSON.stringify(seen)}`);
    process.exitCode = 1;
  }
  const latency = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
  rows.push({
    what,
    figure: `${perS(ratePerS)}, ${latency}, ${failures} failures`,
    limit: `${(ratePerS / limit.perS).toFixed(2)} × ${limit.name} (${perS(limit.perS)})`,
  });
}

function print(): void {
  const table = new Table({ head: ['what', 'figure', 'beside its limit'], style: { head: [] } });
  for (const { what, figure, limit = '' } of rows) table.push([what, figure, limit]);
  process.stdout.write(`${table.toString()}\n`);
}

function perS(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/s`;
}

async function inTemporaryFolder<Result>(work: (directory: string) => Promise<Result>) {
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-bench-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
