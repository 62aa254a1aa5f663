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
  readonly steps: readonly Step[];
  /** What analytics makes of the crawls. */
  readonly outputs: readonly Caused<EventOutputs>[];
}

/** What the folds of all services do with the records of a crawl, decoded already. */
export async function foldSteps(log: CrawlLog, nowMs: number): Promise<FoldFigures> {
  const { funds, payments, decisions, ledger, charges } = log;
  const fold = (name: string, one: Fold<never>, events: readonly AnyEvent[]) =>
    foldStep(name, one, { before: [], events, nowMs, crawls: log.crawls });
  const admitted = await foldStep('admission', admission as never, {
    ...{ before: funds, events: payments, nowMs, crawls: log.crawls },
  });
  const analysed: FoldedStep[] = [
    await fold('analytics over payments', paymentsFold as never, payments),
    await fold('analytics over decisions', decisionsFold as never, decisions),
    await fold('analytics over ledger', ledgerFold as never, ledger),
    await fold('analytics over charges', chargesFold as never, charges),
  ];
  const all = [
    admitted,
    await fold('metering', meteringFold as never, decisions),
    await fold('settlement (a charge taken)', settlementFold as never, charges),
    ...analysed,
  ];
  const outputs = analysed.flatMap((one) => one.outputs as Caused<EventOutputs>[]);
  const rows = await rowTextUs(outputs);
  const stores: Step[] = [];
  for (const { step, writes, perCrawl } of all.slice(0, 3).concat(all[4] as FoldedStep)) {
    const us = (await storeUs(writes)) / log.crawls / perCrawl;
    const name = `state of ${step.name.slice('fold: '.length)} stored, ${log.crawls} crawls a checkpoint`;
    stores.push({ name, perCrawl, us });
  }
  const rowStep = { name: 'rows of analytics as text', perCrawl: 1, us: rows / log.crawls };
  return { steps: [...all.map(({ step }) => step), rowStep, ...stores], outputs };
}

interface Fed {
  /** Folded first, not counted. */
  readonly before: readonly AnyEvent[];
  readonly events: readonly AnyEvent[];
  readonly nowMs: number;
  readonly crawls: number;
}

interface FoldedStep {
  readonly step: Step;
  /** Records of one crawl. */
  readonly perCrawl: number;
  readonly outputs: readonly unknown[];
  readonly writes: Writes;
}

async function foldStep(name: string, fold: Fold<never>, fed: Fed): Promise<FoldedStep> {
  const us: number[] = [];
  let outputs: readonly unknown[] = [];
  let writes: Writes = new Map();
  for (let pass = 0; pass <= passes; pass++) {
    const folding = openFolding(fold, fed.nowMs);
    folding.feed(fed.before);
    folding.cut();
    const took = await cpuUsOf(async () => {
      outputs = folding.feed(fed.events);
    });
    writes = folding.cut();
    // The first one warms up.
    if (pass > 0) us.push(took);
  }
  const perCrawl = fed.events.length / fed.crawls;
  const step = { name: `fold: ${name}`, perCrawl, us: median(us) / fed.events.length };
  return { step, perCrawl, outputs, writes };
}

async function rowTextUs(outputs: readonly Caused<EventOutputs>[]): Promise<number> {
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
