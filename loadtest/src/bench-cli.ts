import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { benchBareFastify, benchBareRecovery } from './bench/bare.js';
import { pricedPath as page, withBenchPlatform } from './bench/bench-platform.js';
import { offerHeader } from './bench/bench-publisher.js';
import { benchChallenges, benchPaidCrawls } from './bench/crawls.js';
import { benchDurableAppend, type DurableAppendResult } from './bench/durable-append.js';
import { benchVerifications } from './bench/facilitator-verify.js';
import { benchPaidOverKafka, type PaidOverKafka } from './bench/paid-over-kafka.js';
import { benchReplay } from './bench/replay.js';
import { benchRevenueQuery } from './bench/revenue-query.js';
import { whenFolded } from './bench/when-folded.js';
import type { LoadFigures } from './driver/closed-loop.js';
import { type Machine, thisMachine, writeFigures } from './figures.js';

// Every figure of the documentation comes from here; each stands beside its limit, measured in
// the same run on the same machine. `--kafka`: paid crawls alone, on the embedded log and then with
// every service as a process over a broker, all of it on this machine. `--json <file>`: the figures as
// data as well.

const connections = 64;
const loadSeconds = 5;
// Few enough that what they owe is settled well before the time of `exact` is over.
const paidCrawls = 10_000;
const warmUpCrawls = 5_000;
const verifications = 10_000;
const recoveries = 20_000;
const replayCrawls = 50_000;

interface Row {
  readonly what: string;
  readonly figure: string;
  readonly limit?: string;
}

/** What `--json` writes: the table as it is printed, and the rates that plans are made with. */
export interface BenchFigures {
  readonly machine: Machine;
  readonly rows: readonly Row[];
  readonly ratesPerS: Readonly<Record<string, number>>;
}

const rows: Row[] = [];
const ratesPerS: Record<string, number> = {};
const { values: flags } = parseArgs({
  options: { kafka: { type: 'boolean', default: false }, json: { type: 'string' } },
});
note('bare limits');
const recovery = benchBareRecovery(recoveries);
if (flags.kafka) await benchBothLogs();
else await benchAll();
print();
if (flags.json !== undefined) {
  writeFigures(flags.json, { machine: thisMachine(Date.now()), rows, ratesPerS });
}

async function benchAll(): Promise<void> {
  const appends = await inTemporaryFolder((directory) =>
    benchDurableAppend({ directory, seconds: loadSeconds, callers: connections }),
  );
  await benchPlatform(appends);
  note('replay');
  const replay = await benchReplay(replayCrawls);
  ratesPerS.admission = replay.eventsPerS;
  rows.push({ what: 'replay of the log into the admission fold', figure: perS(replay.eventsPerS) });
  note('revenue queries on ten million facts');
  const revenue = await benchRevenueQuery();
  for (const { by, p50Ms, p95Ms } of revenue.queries) {
    rows.push({
      what: `a publisher's month by ${by}, ${revenue.facts.toLocaleString('en')} facts`,
      figure: `p50 ${p50Ms.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms`,
      limit: 'goal: p95 under 50 ms',
    });
  }
}

async function benchBothLogs(): Promise<void> {
  note(`embedded: paid crawls, ${connections} at once`);
  const crawls = { connections, crawls: paidCrawls, warmUpCrawls };
  const embedded = await withBenchPlatform(({ run }, target) =>
    benchPaidCrawls(target, { ...crawls, payers: run.wallets }),
  );
  push('paid crawls, embedded log', embedded, {
    name: `bare recovery (${recovery.engine}), one core`,
    perS: recovery.perS,
  });
  const kafka = await benchPaidOverKafka({ ...crawls, path: page, note });
  push('paid crawls over Kafka, one process of each service, broker beside them', kafka.figures, {
    // Failures are quick or slow, never a rate to be measured against.
    name: embedded.failures > 0 ? 'embedded, which FAILED: no ratio' : 'embedded (goal: 0.5)',
    perS: embedded.ratePerS,
  });
  pushCpu(kafka);
  rows.push({ what: 'audit over Kafka', figure: kafka.verdict });
  if (!kafka.isClean || embedded.failures + kafka.figures.failures > 0) process.exitCode = 1;
}

function pushCpu({ cpu, idle }: PaidOverKafka): void {
  for (const { name, us } of cpu) {
    rows.push({ what: `  CPU of a crawl over Kafka: ${name}`, figure: `${us.toFixed(0)} µs` });
  }
  for (const { name, share } of idle) {
    const percent = (share * 100).toFixed(1);
    rows.push({ what: `  CPU when nobody crawls: ${name}`, figure: `${percent} % of a core` });
  }
}

async function benchPlatform(appends: DurableAppendResult): Promise<void> {
  note('platform');
  await withBenchPlatform(async ({ run }, target) => {
    note(`challenges, ${connections} at once`);
    const challenges = await benchChallenges(target, connections, loadSeconds);
    ratesPerS.challenges = challenges.ratePerS;
    const header = (await offerHeader(run.ingress, target.host, page)) ?? '';
    const body = '{"x402Version":1,"error":"X-PAYMENT header is required","accepts":[]}';
    const bare = await benchBareFastify(header, body, connections, loadSeconds);
    push('challenges, each durable before it is answered', challenges, {
      name: 'bare Fastify, same bytes',
      perS: bare.ratePerS,
    });
    const payers = run.wallets;
    // Before the crawls: after them settlement would be busy with what they owe.
    note('facilitator');
    const verify = await benchVerifications(run, { connections, verifications, payers });
    push('facilitator /verify', verify, { name: 'bare recovery, one core', perS: recovery.perS });
    await whenFolded(run.api);
    note(`paid crawls, ${connections} at once`);
    const crawls = { connections, crawls: paidCrawls, warmUpCrawls, payers };
    push(
      'paid crawls, signatures verified, all events durable',
      await benchPaidCrawls(target, crawls),
      {
        name: `bare recovery (${recovery.engine}), one core`,
        perS: recovery.perS,
      },
    );
    rows.push({
      what: `durable appends of 800 B, ${connections} callers`,
      figure: `${perS(appends.recordsPerS)}, p50 ${appends.p50Ms.toFixed(1)} ms`,
    });
  });
}

function push(what: string, figures: LoadFigures, limit: { name: string; perS: number }): void {
  const { ratePerS, failures, p50Ms, p99Ms, seen } = figures;
  if (failures > 0) note(`${what}: failures ${JSON.stringify(seen)}`);
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

function note(what: string): void {
  process.stderr.write(`… ${what}\n`);
}

async function inTemporaryFolder<Result>(work: (directory: string) => Promise<Result>) {
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-bench-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
