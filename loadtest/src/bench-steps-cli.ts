import { parseArgs } from 'node:util';
import { challengesFold } from '@paycrawl/analytics/projection/challenges-fold';
import Table from 'cli-table3';
import { recordedEvents, settlementSteps } from './bench/steps/alone/recorded-events.js';
import { serviceCosts } from './bench/steps/alone/service-costs.js';
import {
  type Budget,
  budgetHead,
  budgetOf,
  restIs,
  rowsOf,
  type Step,
} from './bench/steps/budget.js';
import { challengeChartsUs } from './bench/steps/challenge-charts.js';
import { measureCrawlCpu, payersOfCrawls } from './bench/steps/crawl-cpu.js';
import { crawlEventTypes, crawlLogOf, ofType } from './bench/steps/crawl-events.js';
import { bytesOf, challengesOf, createCrawlWorld } from './bench/steps/crawl-world.js';
import { edgeSteps } from './bench/steps/edge-steps.js';
import { engineFigures } from './bench/steps/engine-figures.js';
import { eventSteps, recordsReadBy } from './bench/steps/event-steps.js';
import { openFolding } from './bench/steps/fold-events.js';
import { foldedLogOf, foldSteps } from './bench/steps/fold-steps.js';
import { httpSteps } from './bench/steps/http-steps.js';
import { logCosts, logSteps, requestAppendStep } from './bench/steps/log-steps.js';
import { type StepsOf, stepsUs, wholeBudget } from './bench/steps/whole-budget.js';
import { note, wholeNumber } from './command-line.js';
import { type Machine, thisMachine, writeFigures } from './figures.js';
import { derivePayers } from './payload/payers.js';

// Every step on the way of a paid crawl, by itself and with the functions that the services call,
// beside what the whole platform uses for a crawl, measured in the same run.
//   --no-crawls         the steps alone
//   --crawls <n>        through a whole platform, and then through each service of it; default 8,000
//   --json <file>       the figures as data as well

const crawlsFolded = 2_000;

export interface StepFigures {
  readonly machine: Machine;
  readonly budget: Budget;
  /** The six records of a crawl, and the one of a challenge. */
  readonly crawlBytes: number;
  readonly challengeBytes: number;
  readonly engineRowsPerCrawl: number;
  readonly engineBytesPerCrawl: number;
  readonly engineRowsPerChallenge: number;
  readonly engineBytesPerChallenge: number;
  /** What the platform uses when nobody crawls, of one core; it is in no figure of a crawl. */
  readonly idleShare?: number;
  /** Of a crawl, until every fold and the charts have it. */
  readonly foldedUs?: number;
  readonly recordsPerCrawl?: number;
  /** Driver and site of the bench, for a crawl. */
  readonly loadUs?: number;
  /** Of a crawl until the charts have it, its named steps and the load alone: the limit of all cores. */
  readonly limitUs?: number;
  /** The same of a challenge. */
  readonly challengeUs?: number;
}

const { values: flags } = parseArgs({
  options: {
    'no-crawls': { type: 'boolean', default: false },
    crawls: { type: 'string', default: '8000' },
    json: { type: 'string' },
  },
});
const figures = await measure();
const table = new Table({
  head: budgetHead,
  style: { head: [] },
  colAligns: ['left', 'right', 'right', 'right'],
});
table.push(...rowsOf(figures.budget));
process.stdout.write(`${table.toString()}\n`);
process.stdout.write(`Processor time of all threads. What no step explains: ${restIs}.\n`);
if (flags.json !== undefined) writeFigures(flags.json, figures);

async function measure(): Promise<StepFigures> {
  const nowMs = Date.now();
  // First, before the heap of this process is large: each service in a process of its own.
  const whole = await wholeCrawl();
  const world = createCrawlWorld(nowMs);
  note('events of the crawls');
  const log = crawlLogOf(world, crawlsFolded, nowMs);
  note('edge');
  const edge = await edgeSteps(world, log);
  note('events');
  const codec = await eventSteps(log);
  note('folds');
  const folded = whole?.events ?? foldedLogOf(log, nowMs);
  const { steps: folds, outputs } = await foldSteps(folded);
  note('log');
  const records = await logCosts(log);
  note('origin and answer');
  const http = await httpSteps();
  note('ClickHouse');
  const challenges = challengesOf(world, crawlsFolded);
  const charted = openFolding(challengesFold, nowMs).feed(challenges);
  const [engine, ofChallenges] = await engineFigures(
    [outputs, charted],
    [folded.crawls, crawlsFolded],
  );
  const folding = async (
    service: 'verifier' | 'metering' | 'settlement' | 'analytics',
    writes: number,
  ) => [
    ...logSteps(records, { reads: recordsReadBy(service), writes }),
    ...codec(service),
    ...(await settlementSteps(folded, service, records)),
    ...folds[service],
  ];
  const steps: StepsOf = {
    ingress: [...http, ...edge, ...codec('ingress'), requestAppendStep(records)],
    verifier: await folding('verifier', 2),
    metering: await folding('metering', 2),
    settlement: await folding('settlement', 0),
    analytics: [...(await folding('analytics', 0)), engineStep(engine.us, folded.crawls)],
  };
  const all = crawlEventTypes.flatMap((type) => ofType(log, type));
  return {
    machine: thisMachine(nowMs),
    budget: budgetOf(wholeBudget(steps, whole?.costs ?? []), whole?.us),
    crawlBytes: Math.round(bytesOf(all) / log.crawls),
    challengeBytes: Math.round(bytesOf(challenges) / crawlsFolded),
    engineRowsPerCrawl: engine.rows,
    engineBytesPerCrawl: Math.round(engine.bytes),
    engineRowsPerChallenge: ofChallenges.rows,
    engineBytesPerChallenge: Math.round(ofChallenges.bytes),
    recordsPerCrawl: all.length / log.crawls,
    ...(whole && {
      ...{ idleShare: whole.idleShare, foldedUs: whole.foldedUs, loadUs: whole.loadUs },
      limitUs: whole.loadUs + stepsUs(steps),
      challengeUs:
        whole.challengeUs + (await challengeChartsUs(challenges, nowMs)) + ofChallenges.us,
    }),
  };
}

/** From end to end, and then each service of it alone. */
async function wholeCrawl() {
  if (flags['no-crawls']) return undefined;
  const crawls = wholeNumber('crawls', flags.crawls);
  const warmUpCrawls = Math.ceil((crawls * 3) / 4);
  note(`${crawls} paid crawls through a whole platform`);
  const { recorded, ...whole } = await measureCrawlCpu(crawls, warmUpCrawls);
  const events = recordedEvents(recorded);
  const { us, foldedUs, idleShare, ratePerS } = whole;
  note(
    `${Math.round(ratePerS)} a second; ${Math.round(us)} µs each, ${Math.round(foldedUs)} of them ` +
      `until all folds had it; ${(100 * idleShare).toFixed(1)} % of a core at rest`,
  );
  const payers = derivePayers(payersOfCrawls);
  const costs = await serviceCosts({ recorded, crawls, warmUpCrawls, payers, note });
  return { ...whole, events, ...costs };
}

function engineStep(us: number, crawls: number): Step {
  return { name: `ClickHouse takes the rows, ${crawls} crawls a block`, perCrawl: 1, us };
}
