import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { migrate } from '@paycrawl/warehouse/migrate';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { createFlusher, type Flusher } from '../projection/flusher.js';
import { type Comparison, compareTables, differs } from './compare.js';
import {
  beginRefolding,
  checkSameLog,
  findSources,
  type Refolding,
  refoldToEnd,
} from './refold.js';
import * as ShadowTables from './shadow-tables.js';

export interface RebuildOptions {
  readonly log: EventLog;
  readonly warehouse: Warehouse;
  /** For the state of the rebuild; emptied first, and removed or moved at the end. */
  readonly workDirectory: string;
  /**
   * Stores of the projection that nobody runs now: they are replaced by those of the rebuild.
   * Without it the projection goes on with its own beside this, and must have the same rules.
   */
  readonly replaceStores?: string;
  /** Swap although the comparison found differences: the served tables are the wrong ones. */
  readonly acceptDifferences?: boolean;
  /** Take over from a rebuild that was killed. */
  readonly isForced?: boolean;
  /** How long the projection that runs may take to come where the rebuild is. */
  readonly patienceMs?: number;
  clock(): number;
  /** Named steps, in their order; for progress, and for tests that stop in between. */
  onStep?(step: RebuildStep): void | Promise<void>;
}

export type RebuildStep = 'locked' | 'refolded' | 'compared' | 'swapped' | 'caught_up' | 'dropped';

export interface RebuildReport {
  readonly records: number;
  readonly carried: readonly string[];
  readonly comparisons: readonly Comparison[];
}

const flushIntervalMs = 20;
const blockOutputsMax = 20_000;
const engineShareMax = 1;
const retryDelayMs = 500;
const patienceMsDefault = 60_000;
/** Fewer than this behind: the swap comes before they grow. */
const closeRecords = 5_000;
const roundsMax = 20;
/** A log on other machines has their clocks. */
const clockSkewMs = 5_000;

/**
 * Builds a second generation of the projection from the first record of the log and puts it in the
 * place of the one that is served, while both are read and written.
 *
 * Rows are keyed by positions of the log and totals carry them as versions, so it does not matter
 * who writes a row, or how often. What matters is that nothing is only in the old tables: after the
 * exchange this goes on folding to where the log ended *after* it. Whatever the projection that
 * runs has put into the old tables came from records before that.
 */
export async function rebuildProjection(options: RebuildOptions): Promise<RebuildReport> {
  const { warehouse, workDirectory } = options;
  const step = async (name: RebuildStep) => options.onStep?.(name);
  await migrate(warehouse);
  await ShadowTables.lock(warehouse, options.isForced ?? false);
  try {
    await step('locked');
    const sources = await findSources(options.log);
    const { refolded, carried } = sources;
    await checkSameLog(options.log, warehouse, sources);
    await ShadowTables.createShadows(warehouse);
    rmSync(workDirectory, { recursive: true, force: true });
    const copiedMs = options.clock();
    await ShadowTables.carryOver(warehouse, carried, { from: same, to: ShadowTables.shadowOf });
    const work = beginWork(options);
    try {
      const all = refolded.map((source) => beginRefolding(work, source));
      work.folding.push(...all);
      let records = await approachEnd(options, work);
      await step('refolded');
      const comparisons = await compare(options, work);
      await step('compared');
      await ShadowTables.exchange(warehouse);
      work.target = same;
      await step('swapped');
      records += await work.guarded(() => refoldToEnd(options.log, all));
      await catchUpCarried(options, carried, copiedMs);
      await step('caught_up');
      await work.end();
      replaceStores(options, carried);
      await ShadowTables.dropShadows(warehouse);
      await step('dropped');
      return { records, carried, comparisons };
    } finally {
      await work.end();
    }
  } finally {
    await ShadowTables.unlock(warehouse);
  }
}

const same = (table: string): string => table;

interface Work {
  readonly log: EventLog;
  readonly flusher: Flusher;
  readonly storeDirectory: string;
  readonly folding: Refolding[];
  /** Where a block of a table goes. */
  target: (table: string) => string;
  onBroken(error: unknown): void;
  /** A failure of the writer ends what waits for it. */
  guarded<T>(run: () => Promise<T>): Promise<T>;
  end(): Promise<void>;
}

function beginWork({ log, warehouse, workDirectory }: RebuildOptions): Work {
  let onBroken = (_error: unknown): void => {};
  const broken = new Promise<never>((_resolve, reject) => {
    onBroken = reject;
  });
  broken.catch(() => {});
  let isEnded = false;
  const work: Work = {
    ...{ log, folding: [], storeDirectory: workDirectory },
    target: ShadowTables.shadowOf,
    flusher: createFlusher({
      warehouse: {
        ...warehouse,
        insert: (block) => warehouse.insert({ ...block, table: work.target(block.table) }),
      },
      ...{ flushIntervalMs, blockOutputsMax, engineShareMax, retryDelayMs },
      writeDeadLetters: async () => {},
    }),
    onBroken,
    guarded: (run) => Promise.race([run(), broken]),
    async end() {
      if (isEnded) return;
      isEnded = true;
      await work.flusher.close();
      await Promise.all(work.folding.map(({ store }) => store.close()));
    },
  };
  return work;
}

/** The log grows meanwhile: each round is shorter than the one before. */
async function approachEnd({ log }: RebuildOptions, work: Work): Promise<number> {
  let records = 0;
  for (let round = 0; round < roundsMax; round += 1) {
    const read = await work.guarded(() => refoldToEnd(log, work.folding));
    records += read;
    if (read < closeRecords) break;
  }
  return records;
}

/**
 * The projection that runs may be behind: what is compared stays the same until it has come there,
 * and then differences count.
 */
async function compare(options: RebuildOptions, work: Work): Promise<Comparison[]> {
  const { log, warehouse, clock, patienceMs = patienceMsDefault } = options;
  const stopAtMs = performance.now() + patienceMs;
  const untilMs = clock() - clockSkewMs;
  await work.guarded(() => refoldToEnd(log, work.folding));
  const ends = new Map(
    work.folding.map(({ topic, partition, nextOffset }) => [`${topic}/${partition}`, nextOffset]),
  );
  for (;;) {
    const comparisons = await compareTables(warehouse, { ends, untilMs });
    const different = comparisons.filter(differs);
    if (different.length === 0 || options.acceptDifferences === true) {
      // Comparing took its time; the closer to the end, the shorter the newest rows are missing.
      await work.guarded(() => refoldToEnd(log, work.folding));
      return comparisons;
    }
    if (performance.now() >= stopAtMs) {
      const tables = different.map(
        ({ table, missing, surplus }) => `${table}: ${missing} missing, ${surplus} surplus`,
      );
      throw fail('warehouse_rebuild_differs', tables.join('; '));
    }
    await new Promise((resolve) => setTimeout(resolve, retryDelayMs));
  }
}

async function catchUpCarried(
  { warehouse, patienceMs = patienceMsDefault }: RebuildOptions,
  carried: readonly string[],
  copiedMs: number,
): Promise<void> {
  if (carried.length === 0) return;
  await ShadowTables.insertsEnded(warehouse, patienceMs);
  const tables = { from: ShadowTables.shadowOf, to: same };
  await ShadowTables.carryOver(warehouse, carried, tables, copiedMs);
}

/** A crash in between leaves no store or an older one: the projection folds again from there. */
function replaceStores(
  { workDirectory, replaceStores: directory }: RebuildOptions,
  carried: readonly string[],
): void {
  if (directory !== undefined) {
    for (const source of carried) {
      const [from, to] = [join(directory, source), join(workDirectory, source)];
      mkdirSync(dirname(to), { recursive: true });
      if (existsSync(from)) renameSync(from, to);
    }
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(dirname(directory), { recursive: true });
    renameSync(workDirectory, directory);
  }
  rmSync(workDirectory, { recursive: true, force: true });
}
