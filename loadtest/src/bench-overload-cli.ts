import { parseArgs } from 'node:util';
import { problemAnswer } from '@paycrawl/ingress/http/answer';
import Table from 'cli-table3';
import { withBenchPlatform } from './bench/bench-platform.js';
import { type BeyondPeak, benchBeyondPeak } from './bench/overload/beyond-peak.js';
import { benchStorm, type StormFigures } from './bench/overload/storm.js';
import { answeredUs } from './bench/steps/http-steps.js';
import type { LoadFigures } from './driver/closed-loop.js';
import { type Machine, thisMachine, writeFigures } from './figures.js';

// `npm run bench:overload`: what becomes of paid crawls when more come than can be served, and beside
// a storm of those who never pay. Latencies count from when a request was due.
//   --seconds <n>   of each load; default 4
//   --crawls <n>    for the peak; default 10,000
//   --only <part>   beyond: more paid crawls than can be served; storm: beside those who never pay
//   --json <file>   the figures as data as well
// Ends as failed when a request failed (told to come back is no failure) or the audit is not clean.

export interface OverloadFile {
  readonly machine: Machine;
  readonly beyond: BeyondPeak;
  readonly storm: StormFigures | undefined;
  /** Processor time of one refusal, and of the request that it answers. */
  readonly refusalUs: number;
  readonly verdict: string;
}

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    crawls: { type: 'string', default: '10000' },
    only: { type: 'string', default: 'beyond,storm' },
    json: { type: 'string' },
  },
});
const seconds = Number.parseFloat(flags.seconds);
const crawls = Number.parseInt(flags.crawls, 10);
const stormTimes = 3;
const table = new Table({ head: ['what', 'figure', ''], style: { head: [] } });

note('a refusal');
const refusalUs = await answeredUs(problemAnswer('ingress_overloaded', 'Come back.'));
const { result, verdict, isClean } = await withBenchPlatform(async (platform) => {
  const beyond = await benchBeyondPeak(platform, {
    ...{ connections: 64, crawls, warmUpCrawls: Math.ceil(crawls / 2), seconds, note },
    times: flags.only.includes('beyond') ? [1.5, 2, 4] : [],
    // More than the ingress lets in, so that it is the ingress that refuses and not the load that waits.
    connectionsMost: 4_096,
  });
  if (!flags.only.includes('storm')) return { beyond, storm: undefined };
  const storm = await benchStorm(platform, {
    ...{ connections: 64, times: stormTimes, stormConnections: 1_024, seconds, note },
    ratePerSMost: 1.5 * beyond.peak.ratePerS,
  });
  return { beyond, storm };
});
printBeyond(result.beyond);
if (result.storm !== undefined) printStorm(result.storm);
table.push(['a refusal: processor of the ingress', `${refusalUs.toFixed(0)} µs`, 'HTTP included']);
process.stdout.write(`${table.toString()}\naudit: ${verdict}\n`);
if (flags.json !== undefined) {
  const machine = thisMachine(Date.now());
  writeFigures(flags.json, { machine, ...result, refusalUs, verdict } satisfies OverloadFile);
}
const failures = seenBy(result).filter((seen) => Object.keys(seen).length > 0);
for (const seen of failures) note(`failures ${JSON.stringify(seen)}`);
if (!isClean || failures.length > 0) process.exitCode = 1;

function seenBy({ beyond, storm }: Pick<OverloadFile, 'beyond' | 'storm'>) {
  const loads = [beyond.peak, ...beyond.offers.map(({ figures }) => figures)];
  if (storm !== undefined) loads.push(storm.challenges, storm.alone, storm.beside);
  return [...loads.map(({ seen }) => seen), storm?.storm.failures ?? {}];
}

function printBeyond({ peak, offers }: BeyondPeak): void {
  table.push(['paid crawls, the peak at 64 at once', figure(peak), '']);
  for (const { times, figures, goodput } of offers) {
    const { offeredPerS, refused } = figures;
    const isMet = goodput >= 0.9 ? 'met' : 'MISSED';
    table.push(
      [
        `${times} × the peak offered: served`,
        figure(figures),
        `${goodput.toFixed(2)} × the peak (goal 0.9: ${isMet}), ${perS(offeredPerS)} offered`,
      ],
      ['  told to come back', figure(refused), ''],
    );
  }
}

function printStorm({ storm, ...figures }: StormFigures): void {
  const { wantedPerS, offersPerS, refusedPerS } = storm;
  table.push(
    ['challenges alone, 64 at once', figure(figures.challenges), ''],
    ['paid crawls alone, 64 at once', figure(figures.alone), ''],
    [
      `paid crawls beside a storm of ${stormTimes} × as many challenges`,
      figure(figures.beside),
      `${(figures.beside.ratePerS / figures.alone.ratePerS).toFixed(2)} × alone`,
    ],
    [
      '  the storm',
      `${perS(offersPerS)} offers, ${perS(refusedPerS)} told to come back`,
      `${perS(wantedPerS)} wanted; its connections wait for their refusals`,
    ],
  );
}

function figure({ ratePerS, p50Ms, p99Ms, failures }: LoadFigures): string {
  const latency = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
  return `${perS(ratePerS)}, ${latency}, ${failures} failures`;
}

function perS(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/s`;
}

function note(what: string): void {
  process.stderr.write(`… ${what}\n`);
}
