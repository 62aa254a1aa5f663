import { parseArgs } from 'node:util';
import { challengesFold } from '@paycrawl/analytics/projection/challenges-fold';
import Table from 'cli-table3';
import { type Budget, budgetHead, budgetOf, restIs, rowsOf } from './bench/steps/budget.js';
import { measureCrawlCpu } from './bench/steps/crawl-cpu.js';
import { crawlEventTypes, crawlLogOf, ofType } from './bench/steps/crawl-events.js';
import { bytesOf, challengesOf, createCrawlWorld } from './bench/steps/crawl-world.js';
import { edgeSteps } from './bench/steps/edge-steps.js';
import { engineFigures } from './bench/steps/engine-figures.js';
import { eventSteps } from './bench/steps/event-steps.js';
import { openFolding } from './bench/steps/fold-events.js';
import { foldSteps } from './bench/steps/fold-steps.js';
import { httpSteps } from './bench/steps/http-steps.js';
import { logSteps } from './bench/steps/log-steps.js';
import { note } from './command-line.js';
import { type Machine, thisMachine, writeFigures } from './figures.js';

// Every step on the way of a paid crawl, by itself and with the functions that the services call,
// beside what the whole platform uses for a crawl, measured in the same run.
//   --no-crawls         the steps alone
//   --crawl-us <µs>     the figure from end to end is known already
//   --json <file>       the figures as data as well

const crawlsFolded = 2_000;
const crawlsFromEndToEnd = 8_000;
const engineName = `ClickHouse takes the rows, ${crawlsFolded} crawls a block`;
const engineStep = { name: engineName, perCrawl: 1 };

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
}

const { values: flags } = parseArgs({
  options: {
    'no-crawls': { type: 'boolean', default: false },
    'crawl-us': { type: 'string' },
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
  const world = createCrawlWorld(nowMs);
  note('events of the crawls');
  const log = crawlLogOf(world, crawlsFolded, nowMs);
  note('edge');
  const edge = await edgeSteps(world, log);
  note('events');
  const events = await eventSteps(log);
  note('folds');
  const { steps: folds, outputs } = await foldSteps(log, nowMs);
  note('log');
  const records = await logSteps(log);
  note('origin and answer');
  const http = await httpSteps();
  note('ClickHouse');
  const challenges = challengesOf(world, crawlsFolded);
  const charted = openFolding(challengesFold, nowMs).feed(challenges);
  const [engine, ofChallenges] = await engineFigures([outputs, charted], crawlsFolded);
  const steps = [
    ...edge,
    ...events,
    ...folds,
    ...records,
    ...http,
    { ...engineStep, us: engine.us },
  ];
  const all = crawlEventTypes.flatMap((type) => ofType(log, type));
  return {
    machine: thisMachine(nowMs),
    budget: budgetOf(steps, await crawlUs()),
    crawlBytes: Math.round(bytesOf(all) / log.crawls),
    challengeBytes: Math.round(bytesOf(challenges) / crawlsFolded),
    engineRowsPerCrawl: engine.rows,
    engineBytesPerCrawl: Math.round(engine.bytes),
    engineRowsPerChallenge: ofChallenges.rows,
    engineBytesPerChallenge: Math.round(ofChallenges.bytes),
  };
}

async function crawlUs(): Promise<number | undefined> {
  if (flags['crawl-us'] !== undefined) return Number(flags['crawl-us']);
  if (flags['no-crawls']) return undefined;
  note(`${crawlsFromEndToEnd} paid crawls through a whole platform`);
  const { us, afterwardsUs, ratePerS } = await measureCrawlCpu(crawlsFromEndToEnd);
  note(
    `${Math.round(ratePerS)} a second; ${Math.round(afterwardsUs)} µs each after the last answer`,
  );
  return us;
}
