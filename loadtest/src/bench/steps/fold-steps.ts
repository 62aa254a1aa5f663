import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addToBlock, emptyBlock, rowsOfBlock } from '@paycrawl/analytics/projection/block';
import { decisionsFold } from '@paycrawl/analytics/projection/decisions-fold';
import { chargesFold, paymentsFold } from '@paycrawl/analytics/projection/index-folds';
import { ledgerFold } from '@paycrawl/analytics/projection/ledger-fold';
import type { EventOutputs } from '@paycrawl/analytics/projection/projection-fold';
import type { AnyEvent } from '@paycrawl/events/event';
import type { Caused, Fold } from '@paycrawl/fold/fold';
import { openStore } from '@paycrawl/fold/store';
import type { Writes } from '@paycrawl/fold/view';
import { meteringFold } from '@paycrawl/metering/books/decide';
import { settlementFold } from '@paycrawl/settlement/batches/decide';
import { admission } from '@paycrawl/verifier/admission/decide';
import type { Step } from './budget.js';
import { cpuUsOf, median } from './cpu-per-call.js';
import type { CrawlLog } from './crawl-events.js';
import { openFolding } from './fold-events.js';

const passes = 5;

export interface FoldFigures {
  /** Rules and state of each service's folds. */
  readonly steps: Readonly<Record<Folding, readonly Step[]>>;
  /** What analytics makes of the crawls. */
  readonly outputs: readonly Caused<EventOutputs>[];
}

type Folding = 'verifier' | 'metering' | 'settlement' | 'analytics';

/** Events of one partition of a topic, in their order. */
export interface Told {
  /** Folded first, not counted. */
  readonly before: readonly AnyEvent[];
  readonly events: readonly AnyEvent[];
}

export type FoldedTopic = 'payments' | 'decisions' | 'ledger' | 'charges';

/** What the folds are measured with. */
export interface FoldedLog extends Readonly<Record<FoldedTopic, Told>> {
  readonly crawls: number;
  /** When the log took an event, in Unix milliseconds. */
  timeOf(event: AnyEvent): number;
}

/** Crawls without what becomes of their charges. */
export function foldedLogOf(log: CrawlLog, nowMs: number): FoldedLog {
  const told = (events: readonly AnyEvent[], before: readonly AnyEvent[] = []) => ({
    before,
    events,
  });
  return {
    ...{ crawls: log.crawls, timeOf: () => nowMs, payments: told(log.payments, log.funds) },
    ...{ decisions: told(log.decisions), ledger: told(log.ledger), charges: told(log.charges) },
  };
}

/** What the folds of all services do with the records of a crawl, decoded already. */
export async function foldSteps(log: FoldedLog): Promise<FoldFigures> {
  const { crawls } = log;
  const fold = (name: string, one: unknown, topic: FoldedTopic) =>
    foldStep(name, one as Fold<never>, log[topic], log);
  const admitted = await fold('admission', admission, 'payments');
  const metered = await fold('metering', meteringFold, 'decisions');
  const settled = await fold('settlement', settlementFold, 'charges');
  const charted: FoldedStep[] = [
    await fold('analytics over payments', paymentsFold, 'payments'),
    await fold('analytics over decisions', decisionsFold, 'decisions'),
    await fold('analytics over ledger', ledgerFold, 'ledger'),
    await fold('analytics over charges', chargesFold, 'charges'),
  ];
  const outputs = charted.flatMap((one) => one.outputs as Caused<EventOutputs>[]);
  const columns = (await rowsUs(outputs)) / crawls;
  const rows = { name: 'rows of analytics as columns', perCrawl: 1, us: columns };
  const stored = (one: FoldedStep) => storeStep(one, crawls);
  const steps = {
    verifier: [admitted.step, await stored(admitted)],
    metering: [metered.step, await stored(metered)],
    settlement: [settled.step, await stored(settled)],
    analytics: [...charted.map(({ step }) => step), rows, await stored(charted[1] as FoldedStep)],
  };
  return { steps, outputs };
}

async function storeStep({ step, writes, perCrawl }: FoldedStep, crawls: number): Promise<Step> {
  const us = (await storeUs(writes)) / crawls / perCrawl;
  const name = `state of ${step.name.slice('fold: '.length)} stored, ${crawls} crawls a checkpoint`;
  return { name, perCrawl, us };
}

interface FoldedStep {
  readonly step: Step;
  /** Records of one crawl. */
  readonly perCrawl: number;
  readonly outputs: readonly unknown[];
  readonly writes: Writes;
}

async function foldStep(
  name: string,
  fold: Fold<never>,
  { before, events }: Told,
  { crawls, timeOf }: FoldedLog,
): Promise<FoldedStep> {
  const us: number[] = [];
  let outputs: readonly unknown[] = [];
  let writes: Writes = new Map();
  for (let pass = 0; pass <= passes; pass++) {
    const folding = openFolding(fold, timeOf);
    folding.feed(before);
    folding.cut();
    const took = await cpuUsOf(async () => {
      outputs = folding.feed(events);
    });
    writes = folding.cut();
    // The first one warms up.
    if (pass > 0) us.push(took);
  }
  const perCrawl = events.length / crawls;
  const step = { name: `fold: ${name}`, perCrawl, us: median(us) / events.length };
  return { step, perCrawl, outputs, writes };
}

async function rowsUs(outputs: readonly Caused<EventOutputs>[]): Promise<number> {
  const us: number[] = [];
  for (let pass = 0; pass <= passes; pass++) {
    const took = await cpuUsOf(async () => {
      const block = emptyBlock();
      for (const output of outputs) addToBlock(block, output);
      rowsOfBlock(block);
    });
    if (pass > 0) us.push(took);
  }
  return median(us);
}

async function storeUs(writes: Writes): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'paycrawl-steps-'));
  const store = openStore(directory);
  try {
    const us: number[] = [];
    for (let pass = 0; pass < passes; pass++) {
      const next = { nextOffset: pass + 1, nowMs: 1 };
      us.push(await cpuUsOf(() => store.write(store.position(), next, writes)));
    }
    return median(us);
  } finally {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
