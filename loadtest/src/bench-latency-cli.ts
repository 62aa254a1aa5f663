import { parseArgs } from 'node:util';
import { type AddedLatency, benchAddedLatency } from './bench/added-latency.js';
import { withBenchPlatform } from './bench/bench-platform.js';
import { withKafkaPlatform } from './bench/kafka-platform.js';
import { latencyTables } from './bench/latency-tables.js';
import { note, wholeNumber } from './command-line.js';
import { printTables } from './figure-table.js';
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
const crawls = wholeNumber('crawls', flags.crawls);
const sizes = {
  ...{ connections: 64, crawls, warmUpCrawls: Math.ceil(crawls / 2), rounds: 3, note },
  seconds: Number.parseFloat(flags.seconds),
};
const measured = flags.kafka
  ? await withKafkaPlatform(note, (page) => benchAddedLatency(page, sizes))
  : await withBenchPlatform((page) => benchAddedLatency(page, sizes));
const { result, verdict, isClean } = measured;
const log = flags.kafka ? 'kafka' : 'embedded';
const machine = thisMachine(Date.now());
const file: LatencyFile = { machine, log, ...result, verdict };
printTables(latencyTables(file));
process.stdout.write(`${result.failures} failures; audit: ${verdict}\n`);
if (flags.json !== undefined) writeFigures(flags.json, file);
if (!isClean || result.failures > 0) process.exitCode = 1;
