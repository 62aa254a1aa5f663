import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPlatformProcess } from '@paycrawl/standalone/testing/platform-process';
import Table from 'cli-table3';
import { benchBareFastify, benchBareRecovery } from './bench/bare.js';
import { addBenchPublisher, offerHeader } from './bench/bench-publisher.js';
import { benchChallenges, benchPaidCrawls } from './bench/crawls.js';
import { benchDurableAppend } from './bench/durable-append.js';
import { benchVerifications } from './bench/facilitator-verify.js';
import { benchReplay } from './bench/replay.js';
import { benchRevenueQuery } from './bench/revenue-query.js';
import type { LoadFigures } from './driver/closed-loop.js';

// Every figure of the documentation comes from here; each stands beside its limit, measured in
// the same run on the same machine.

const page = '/page';
const connections = 64;
const loadSeconds = 5;
const paidCrawls = 10_000;
const warmUpCrawls = 3_000;
const verifications = 10_000;
const recoveries = 20_000;
const replayCrawls = 50_000;

interface Row {
  readonly what: string;
  readonly figure: string;
  readonly limit?: string;
}

const rows: Row[] = [];
note('bare limits');
const recovery = benchBareRecovery(recoveries);
const appends = await inTemporaryFolder((directory) =>
  benchDurableAppend({ directory, seconds: loadSeconds, callers: connections }),
);
await benchPlatform();
note('replay');
const replay = await benchReplay(replayCrawls);
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
print();

async function benchPlatform(): Promise<void> {
  note('platform');
  const platform = await startPlatformProcess();
  try {
    const { run } = platform;
    const publisher = await addBenchPublisher(platform);
    const target = { ingress: run.ingress, host: publisher.host, path: page };
    note(`challenges, ${connections} at once`);
    const challenges = await benchChallenges(target, connections, loadSeconds);
    const header = (await offerHeader(run.ingress, publisher.host, page)) ?? '';
    const body = '{"x402Version":1,"error":"X-PAYMENT header is required","accepts":[]}';
    const bare = await benchBareFastify(header, body, connections, loadSeconds);
    push('challenges, each durable before it is answered', challenges, {
      name: 'bare Fastify, same bytes',
      perS: bare.ratePerS,
    });
    note(`paid crawls, ${connections} at once`);
    const payers = run.wallets;
    const crawls = { connections, crawls: paidCrawls, warmUpCrawls, payers };
    push(
      'paid crawls, signatures verified, all events durable',
      await benchPaidCrawls(target, crawls),
      {
        name: `bare recovery (${recovery.engine}), one core`,
        perS: recovery.perS,
      },
    );
    note('facilitator');
    const verify = await benchVerifications(run, { connections, verifications, payers });
    push('facilitator /verify', verify, { name: 'bare recovery, one core', perS: recovery.perS });
    rows.push({
      what: `durable appends of 800 B, ${connections} callers`,
      figure: `${perS(appends.recordsPerS)}, p50 ${appends.p50Ms.toFixed(1)} ms`,
    });
    await publisher.close();
    await platform.stop();
  } finally {
    await platform.remove();
  }
}

function push(what: string, figures: LoadFigures, limit: { name: string; perS: number }): void {
  const { ratePerS, failures, p50Ms, p99Ms } = figures;
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
