import { parseArgs } from 'node:util';
import { revenueTables } from './bench/revenue/revenue-tables.js';
import { benchRevenueQuery, type RevenueQueryFigures } from './bench/revenue-query.js';
import { note, wholeNumber } from './command-line.js';
import { printTables } from './figure-table.js';
import { type Machine, thisMachine, writeFigures } from './figures.js';

// `npm run bench:revenue`: a publisher's month by day, by crawler and by path, out of many facts.
//   --facts <n>       default 100,000,000: some minutes and a few GB in the temporary folder
//   --publishers <n>  default 500
//   --json <file>     the figures as data as well

export interface RevenueFile extends RevenueQueryFigures {
  readonly machine: Machine;
}

const { values: flags } = parseArgs({
  options: {
    facts: { type: 'string', default: '100000000' },
    publishers: { type: 'string', default: '500' },
    json: { type: 'string' },
  },
});
const figures = await benchRevenueQuery({
  facts: wholeNumber('facts', flags.facts),
  publishers: wholeNumber('publishers', flags.publishers),
  note,
});
printTables(revenueTables(figures));
if (flags.json !== undefined) {
  writeFigures(flags.json, { machine: thisMachine(Date.now()), ...figures } satisfies RevenueFile);
}
