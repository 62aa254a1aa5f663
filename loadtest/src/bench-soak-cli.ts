import { parseArgs } from 'node:util';
import { benchSoak, type SoakFigures } from './bench/soak/bench-soak.js';
import { soakTables } from './bench/soak/soak-tables.js';
import { note, wholeNumber } from './command-line.js';
import { printTables } from './figure-table.js';
import { type Machine, thisMachine, writeFigures } from './figures.js';

// `npm run bench:soak`: a load that can go on for ever, and the memory of each process while it does.
//   --minutes <n>  default 30; 3 shows that it runs, with a bound that is wide
//   --paid <n>     paid crawls a second; default 250, half of what settlement is to confirm
//   --unpaid <n>   challenges a second beside them; default 4000
//   --kafka        every service as a process over a broker, each by itself
//   --json <file>  the figures as data as well
// Fails when the memory of a service grows, a request fails, or the audit finds something.

export interface SoakFile extends SoakFigures {
  readonly machine: Machine;
}

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    paid: { type: 'string', default: '250' },
    unpaid: { type: 'string', default: '4000' },
    kafka: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const figures = await benchSoak({
  minutes: wholeNumber('minutes', flags.minutes),
  paidPerS: wholeNumber('paid', flags.paid),
  unpaidPerS: wholeNumber('unpaid', flags.unpaid),
  isOverKafka: flags.kafka,
  note,
});
printTables(soakTables(figures));
if (flags.json !== undefined) {
  writeFigures(flags.json, { machine: thisMachine(Date.now()), ...figures } satisfies SoakFile);
}
const failures = figures.paid.failures + figures.unpaid.failures;
if (!figures.isFlat || !figures.isClean || failures > 0) process.exitCode = 1;
