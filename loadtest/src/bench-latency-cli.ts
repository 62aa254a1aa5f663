import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { type AddedLatency, benchAddedLatency } from './bench/added-latency.js';
import { withBenchPlatform } from './bench/bench-platform.js';
import { withKafkaPlatform } from './bench/kafka-platform.js';
import { whenFolded, whenSettled } from './bench/when-folded.js';
import { type Machine, thisMachine, writeFigures } from './figures.js';

// `npm run bench:latency`: what a paid crawl takes longer through the ingress than from the site
// itself, at half of the peak of the same run, beside a durable append in the same log.
//   --kafka         every service as a process over a broker; an append is acknowledged by it
//   --seconds <n>   of each load in each round; default 5
//   --crawls <n>    for the peak; default 10,000
//   --json <file>   the figures as data as well
// Ends as failed when a request failed or the audit is not clean.

export interface LatencyFile extends AddedLatency {
  readonly machine: Machine;
  readonly log: 'embedded' | 'kafka';
  readonly addedP99Ms: number;
  readonly goalP99Ms: number;
  readonly verdict: string;
}

const { values: flags } = parseArgs({
  options: {
    kafka: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '5' },
    crawls: { type: 'string', default: '10000' },
    json: { type: 'string' },
  },
});
const crawls = Number.parseInt(flags.crawls, 10);
const sizes = {
  ...{ connections: 64, crawls, warmUpCrawls: Math.ceil(crawls / 2), rounds: 3, note },
  seconds: Number.parseFloat(flags.seconds),
};
const measured = flags.kafka
  ? await withKafkaPlatform(note, (page) =>
      benchAddedLatency(page, { ...sizes, atRest: () => whenFolded(page.run.api) }),
    )
  : await withBenchPlatform((page) =>
      benchAddedLatency(page, { ...sizes, atRest: () => whenSettled(page.run.api) }),
    );
const { result, verdict, isClean } = measured;
// By the append alone: beside the crawls it is slower, and the goal would be easier.
const addedP99Ms = result.crawls.p99Ms - result.origin.p99Ms;
const goalP99Ms = 3 * result.appends.p99Ms + 5;
print(result);
if (flags.json !== undefined) {
  const log = flags.kafka ? 'kafka' : 'embedded';
  const machine = thisMachine(Date.now());
  const file: LatencyFile = { machine, log, ...result, addedP99Ms, goalP99Ms, verdict };
  writeFigures(flags.json, file);
}
if (!isClean || result.failures > 0) process.exitCode = 1;

function print(figures: AddedLatency): void {
  const { peak, ratePerS, appends, appendsBeside, origin, crawls: paid, failures } = figures;
  const table = new Table({ head: ['what', 'p50 ms', 'p99 ms', ''], style: { head: [] } });
  const rate = `${Math.round(ratePerS).toLocaleString('en')}/s`;
  const row = (what: string, p50Ms: number, p99Ms: number, more = '') =>
    table.push([what, p50Ms.toFixed(1), p99Ms.toFixed(1), more]);
  row('paid crawls at the peak', peak.p50Ms, peak.p99Ms, `${Math.round(peak.ratePerS)}/s`);
  row('durable appends, nobody crawls', appends.p50Ms, appends.p99Ms, rate);
  row('durable appends beside the crawls', appendsBeside.p50Ms, appendsBeside.p99Ms, 'few');
  row('the page from its site', origin.p50Ms, origin.p99Ms, rate);
  row('the page, paid, through the ingress', paid.p50Ms, paid.p99Ms, rate);
  const isMet = addedP99Ms <= goalP99Ms ? 'met' : 'MISSED';
  const goal = `goal: p99 at most 3 appends + 5 ms = ${goalP99Ms.toFixed(1)}: ${isMet}`;
  row('added by the ingress (the difference)', paid.p50Ms - origin.p50Ms, addedP99Ms, goal);
  process.stdout.write(`${table.toString()}\n${failures} failures; audit: ${verdict}\n`);
}

function note(what: string): void {
  process.stderr.write(`… ${what}\n`);
}
