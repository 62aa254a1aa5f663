import { parseArgs } from 'node:util';
import { benchStart, type StartFigures } from './bench/start/bench-start.js';
import { startTables } from './bench/start/start-tables.js';
import { note, wholeNumber } from './command-line.js';
import { printTables } from './figure-table.js';
import { type Machine, thisMachine, writeFigures } from './figures.js';

// `npm run bench:start`: how long a verifier that knows many payers takes to be back, and what one
// payer and one open hold take in memory and on disk.
//   --payers <n>  each with one charge that is not settled; default 1,000,000
//   --holds <n>   open holds of further payers; default a tenth of them
//   --platform    the whole platform on one machine with as many payers as well
//   --json <file> the figures as data as well

export interface StartFile extends StartFigures {
  readonly machine: Machine;
}

const { values: flags } = parseArgs({
  options: {
    payers: { type: 'string', default: '1000000' },
    holds: { type: 'string' },
    platform: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const payers = wholeNumber('payers', flags.payers);
const holds =
  flags.holds === undefined ? Math.ceil(payers / 10) : wholeNumber('holds', flags.holds);
const figures = await benchStart({
  ...{ payers, holds, isPlatformToo: flags.platform },
  note,
});
printTables(startTables(figures));
if (flags.json !== undefined) {
  writeFigures(flags.json, { machine: thisMachine(Date.now()), ...figures } satisfies StartFile);
}
