import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, TopicPartition } from '@paycrawl/event-log/event-log';
import { migrate } from '@paycrawl/warehouse/migrate';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { type Comparison, compareTables, differs } from './compare.js';
import type { RefoldSetup } from './refold-messages.js';
import { startRefoldThread } from './refold-thread.js';
import { createRefolder, type Refolder } from './refolder.js';
import * as ShadowTables from './shadow-tables.js';
import {
  createSourceFolder,
  type SourceFolder,
  type SourceFolderOptions,
} from './source-folder.js';
import { checkSameLog, findSources } from './sources.js';

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
  /** Where threads of their own read the log; without it this one folds. */
  readonly threads?: RefoldThreads;
  /** How long the projection that runs may take to come where the rebuild is. */
  readonly patienceMs?: number;
  clock(): number;
  /** Named steps, in their order; for progress, and for tests that stop in between. */
  onStep?(step: RebuildStep): void | Promise<void>;
}

export interface RefoldThreads extends Pick<RefoldSetup, 'log' | 'logPlace'> {
  readonly count: number;
}

export type RebuildStep = 'locked' | 'refolded' | 'compared' | 'swapped' | 'caught_up' | 'dropped';

export interface RebuildReport {
  readonly records: number;
  readonly carried: readonly string[];
  readonly comparisons: readonly Comparison[];
}

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
    const work = await beginWork(options, refolded);
    try {
      let records = await approachEnd(work);
      await step('refolded');
      const comparisons = await compare(options, work);
      await step('compared');
      await ShadowTables.exchange(warehouse);
      work.target = same;
      await step('swapped');
      records += await work.guarded(() => work.refolder.toEnd());
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
  readonly refolder: Refolder;
  /** Where a block of a table goes. */
  target: (table: string) => string;
  /** A failure of the writer ends what waits for it. */
  guarded<T>(run: () => Promise<T>): Promise<T>;
  end(): Promise<void>;
}

async function beginWork(
  options: RebuildOptions,
  sources: readonly TopicPartition[],
): Promise<Work> {
  let onBroken = (_error: unknown): void => {};
  const broken = new Promise<never>((_resolve, reject) => {
    onBroken = reject;
  });
  broken.catch(() => {});
  let target: Work['target'] = ShadowTables.shadowOf;
  const warehouse: Pick<Warehouse, 'insert'> = {
    insert: (block) => options.warehouse.insert({ ...block, table: target(block.table) }),
  };
  const folders = await startFolders(options, { warehouse, onBroken });
  const refolder = createRefolder(folders, sources);
  let isEnded = false;
  return {
    refolder,
    get target() {
      return target;
    },
    set target(next) {
      target = next;
    },
    guarded: (run) => Promise.race([run(), broken]),
    async end() {
      if (isEnded) return;
      isEnded = true;
      await refolder.close();
    },
  };
}

async function startFolders(
  { log, threads, workDirectory: storeDirectory }: RebuildOptions,
  output: Pick<SourceFolderOptions, 'warehouse' | 'onBroken'>,
): Promise<SourceFolder[]> {
  if (threads === undefined) return [createSourceFolder({ log, storeDirectory, ...output })];
  const { count, ...place } = threads;
  const folders: SourceFolder[] = [];
  try {
    while (folders.length < count) {
      folders.push(await startRefoldThread({ ...place, storeDirectory, ...output }));
    }
    return folders;
  } catch (error) {
    await Promise.all(folders.map((folder) => folder.close()));
    throw error;
  }
}

/** The log grows meanwhile: each round is shorter than the one before. */
async function approachEnd({ refolder, guarded }: Work): Promise<number> {
  let records = 0;
  for (let round = 0; round < roundsMax; round += 1) {
    const read = await guarded(() => refolder.toEnd());
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
  const { warehouse, clock, patienceMs = patienceMsDefault } = options;
  const stopAtMs = performance.now() + patienceMs;
  const untilMs = clock() - clockSkewMs;
  await work.guarded(() => work.refolder.toEnd());
  const ends = work.refolder.ends();
  for (;;) {
    const comparisons = await compareTables(warehouse, { ends, untilMs });
    const different = comparisons.filter(differs);
    if (different.length === 0 || options.acceptDifferences === true) {
      // Comparing took its time; the closer to the end, the shorter the newest rows are missing.
      await work.guarded(() => work.refolder.toEnd());
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
