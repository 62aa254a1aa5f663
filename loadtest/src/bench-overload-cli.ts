import { parseArgs } from 'node:util';
import { withBenchPlatform } from './bench/bench-platform.js';
import { signedRequests } from './bench/crawls.js';
import { benchBeyondPeak } from './bench/overload/beyond-peak.js';
import { type OverloadFigures, overloadTables } from './bench/overload/overload-tables.js';
import { benchStorm } from './bench/overload/storm.js';
import { refusalCost } from './bench/steps/http-steps.js';
import { note, wholeNumber } from './command-line.js';
import { printTables } from './figure-table.js';
import { thisMachine, writeFigures } from './figures.js';

// `npm run bench:overload`: what becomes of paid crawls when more come than can be served, and beside
// a storm of those who never pay. Latencies count from when a request was due.
//   --seconds <n>   of each load; default 4
//   --crawls <n>    for the peak; default 10,000
//   --only <part>   beyond: more paid crawls than can be served; storm: beside those who never pay
//   --json <file>   the figures as data as well
// Ends as failed when a request failed (told to come back is no failure) or the audit is not clean.

export interface OverloadFile extends OverloadFigures {
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
const crawls = wholeNumber('crawls', flags.crawls);
const stormTimes = 3;

const { result, verdict, isClean } = await withBenchPlatform(async (platform) => {
  const beyond = await benchBeyondPeak(platform, {
    ...{ connections: 64, crawls, warmUpCrawls: Math.ceil(crawls / 2), seconds, note },
    times: flags.only.includes('beyond') ? [1.5, 2, 4] : [],
    // More than the ingress lets in, so that it is the ingress that refuses and not the load that waits.
    connectionsMost: 4_096,
  });
  note('a refusal');
  const [request] = await signedRequests(platform.target, platform.run.wallets, 1);
  const refusal = await refusalCost(request as Buffer);
  if (!flags.only.includes('storm')) return { beyond, refusal, storm: undefined };
  const storm = await benchStorm(platform, {
    ...{ connections: 64, times: stormTimes, stormConnections: 1_024, seconds, note },
    ratePerSMost: 1.5 * beyond.peak.ratePerS,
  });
  return { beyond, refusal, storm };
});
const machine = thisMachine(Date.now());
const file: OverloadFile = { machine, ...result, stormTimes, verdict };
printTables(overloadTables(file));
process.stdout.write(`audit: ${verdict}\n`);
if (flags.json !== undefined) writeFigures(flags.json, file);
const failures = seenBy(result).filter((seen) => Object.keys(seen).length > 0);
for (const seen of failures) note(`failures ${JSON.stringify(seen)}`);
if (!isClean || failures.length > 0) process.exitCode = 1;

function seenBy({ beyond, storm }: Pick<OverloadFigures, 'beyond' | 'storm'>) {
  const loads = [beyond.peak, ...beyond.offers.map(({ figures }) => figures)];
  if (storm !== undefined) loads.push(storm.challenges, storm.alone, storm.beside);
  return [...loads.map(({ seen }) => seen), storm?.storm.failures ?? {}];
}
