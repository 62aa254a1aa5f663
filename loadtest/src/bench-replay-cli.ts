import { parseArgs } from 'node:util';
import { benchRebuild, type RebuildFigures } from './bench/rebuild.js';
import { benchReplay, type ReplayFigures, type ReplayPart } from './bench/replay.js';
import { benchReplayOnAllCores } from './bench/replay-on-all-cores.js';
import { replayTables } from './bench/replay-tables.js';
import { note, wholeNumber } from './command-line.js';
import { printTables } from './figure-table.js';
import { type Machine, thisMachine, writeFigures } from './figures.js';

// `npm run bench:replay`: the log from its beginning, into folds and into ClickHouse.
//   --crawls <n>      paid crawls in it; default 50,000
//   --challenges <n>  beside each of them; default 4
//   --json <file>     the figures as data as well

export interface ReplayFile {
  readonly machine: Machine;
  readonly admission: FoldReplay;
  /** By charges a second of its history: few to a batch, full batches, a line that grows. */
  readonly settlement?: readonly (FoldReplay & { readonly chargesPerS: number })[];
  readonly rebuild: RebuildFigures;
}

/** Of one partition, and of one on each core at once. */
export interface FoldReplay extends ReplayFigures {
  readonly onAllCores?: ReplayFigures;
}

const { values: flags } = parseArgs({
  options: {
    crawls: { type: 'string', default: '50000' },
    challenges: { type: 'string', default: '4' },
    json: { type: 'string' },
  },
});
const crawls = wholeNumber('crawls', flags.crawls);
note('into the fold of admission');
const admission = await foldReplay({ fold: 'admission', crawls });
const settlement = [];
for (const chargesPerS of [20, 200, 2_000]) {
  note(`into the fold of settlement, ${chargesPerS} charges a second`);
  const part = { fold: 'settlement', charges: crawls, chargesPerS } as const;
  settlement.push({ chargesPerS, ...(await foldReplay(part)) });
}
note('into ClickHouse');
const challengesPerCrawl = wholeNumber('challenges', flags.challenges);
const rebuild = await benchRebuild({ crawls, challengesPerCrawl });
const machine = thisMachine(Date.now());
const figures: ReplayFile = { machine, admission, settlement, rebuild };
printTables(replayTables(figures));
if (flags.json !== undefined) writeFigures(flags.json, figures);

async function foldReplay(part: ReplayPart): Promise<FoldReplay> {
  const one = await benchReplay(part);
  return { ...one, onAllCores: await benchReplayOnAllCores(part) };
}
