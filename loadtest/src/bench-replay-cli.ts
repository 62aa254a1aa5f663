import { parseArgs } from 'node:util';
import { benchRebuild, type RebuildFigures } from './bench/rebuild.js';
import { benchReplay, type ReplayFigures } from './bench/replay.js';
import { replayTables } from './bench/replay-tables.js';
import { note, wholeNumber } from './command-line.js';
import { printTables } from './figure-table.js';
import { type Machine, thisMachine, writeFigures } from './figures.js';

// `npm run bench:replay`: the log from its beginning, into a fold and into ClickHouse.
//   --crawls <n>      paid crawls in it; default 50,000
//   --challenges <n>  beside each of them; default 4
//   --json <file>     the figures as data as well

export interface ReplayFile {
  readonly machine: Machine;
  readonly admission: ReplayFigures;
  readonly rebuild: RebuildFigures;
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
const admission = await benchReplay(crawls);
note('into ClickHouse');
const challengesPerCrawl = wholeNumber('challenges', flags.challenges);
const rebuild = await benchRebuild({ crawls, challengesPerCrawl });
const figures: ReplayFile = { machine: thisMachine(Date.now()), admission, rebuild };
printTables(replayTables(figures));
if (flags.json !== undefined) writeFigures(flags.json, figures);
