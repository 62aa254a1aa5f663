import type { BandFile } from '../bench/check/bands.js';
import { latencyTables } from '../bench/latency-tables.js';
import { overloadTables } from '../bench/overload/overload-tables.js';
import { replayTables } from '../bench/replay-tables.js';
import { revenueTables } from '../bench/revenue/revenue-tables.js';
import { soakTables } from '../bench/soak/soak-tables.js';
import { startTables } from '../bench/start/start-tables.js';
import { budgetHead, restIs, rowsOf } from '../bench/steps/budget.js';
import { countText, type FigureTable, type TablesFile } from '../figure-table.js';
import type { Machine } from '../figures.js';
import { goalRows, missedRows } from './goals.js';
import { growthRows } from './growth.js';
import { planInputs } from './inputs.js';
import { type Kept, measurementsOf } from './measurements.js';
import { planOf } from './plan.js';

/** docs/performance.md: every number on it comes out of a run, or out of arithmetic on one. */
export function performancePage(kept: Kept, { machine, bands }: BandFile): string {
  return [
    '<!-- Made by `npm run bench:page` from loadtest/figures; run the benches again. -->\n',
    '# Performance\n',
    intro,
    '## Goals\n',
    goalsPart(kept),
    '## Budget of a paid crawl\n',
    budgetPart(kept),
    '## Figures\n',
    figuresPart(kept.bench, 'npm run bench -- --json loadtest/figures/bench.json'),
    figuresPart(kept.kafka, 'npm run bench -- --kafka --json loadtest/figures/kafka.json'),
    tablesPart('peers', kept.peers, tablesOf),
    '## Settlement\n',
    tablesPart('settlement', kept.settlement, tablesOf),
    '## Latency, and more than can be done\n',
    tablesPart('latency', kept.latency, latencyTables),
    tablesPart('latency -- --kafka', kept['latency-kafka'], latencyTables, 'latency-kafka'),
    tablesPart('overload', kept.overload, overloadTables),
    '## Much state, long history, many hours\n',
    ...largePart(kept),
    '## Kept from getting slower\n',
    bandsIntro,
    madeOn(machine),
    bandTable(bands),
    '## How cost grows\n',
    table(['with', 'what grows', 'asked by'], growthRows),
    '## Paper plan\n',
    planIntro,
    ...planOf(planInputs, measurementsOf(kept)).flatMap(({ title, rows }) => [
      `### ${title}\n`,
      table(
        ['what', 'how much', 'how it follows'],
        rows.map(({ what, value, how }) => [what, value, how]),
      ),
    ]),
    endOfExact,
  ].join('\n');
}

const intro = `Figures of one machine say little about another one; ratios to a limit that was measured in the
same run say more. Every command prints its figures anew, and ends as failed when a request failed
or the audit of its platform found one event lost or doubled:

| command | what it prints |
|---|---|
| \`npm run bench\` | what this machine can do, beside its bare limits (\`--kafka\`: over a broker; \`--first-proofs\`: payers never seen, and a flood of empty wallets, alone) |
| \`npm run bench:latency\` | what a paid crawl takes longer through the ingress than from its site, beside a durable append (\`--kafka\`: over a broker) |
| \`npm run bench:overload\` | what is served when more comes than can be done, and beside a storm of those who never pay |
| \`npm run bench:start\` | how soon a verifier that knows a million payers decides again (\`--platform\`: everything on one machine, too); bytes of a payer and of a hold |
| \`npm run bench:soak\` | the memory of each process over 30 minutes (\`--minutes 3\`: that it runs; \`--kafka\`: each service by itself) |
| \`npm run bench:replay\` | the log from its beginning into a fold, and by the rebuilding tool into ClickHouse |
| \`npm run bench:revenue\` | a publisher's month by day, crawler and path out of 100 million facts |
| \`npm run bench:steps\` | every step of a paid crawl with the functions that the services call, as a budget |
| \`npm run bench:peers\` | the x402 reference stack and ours behind the same driver |
| \`npm run bench:check\` | ratios beside the bands that unchanged code has; fails on a regression |
| \`npm run bench:plan\` | the paper plan below, with inputs of your own as flags |
| \`npm run bench:page\` | this page, from the runs kept by \`--json loadtest/figures/<its name>.json\` |
`;

function tablesOf({ tables }: TablesFile): readonly FigureTable[] {
  return tables;
}

function goalsPart(kept: Kept): string {
  const goals = table(['what', 'goal', 'measured', '', 'by'], goalRows(kept));
  const missed = missedRows(kept);
  if (missed.length === 0) return goals;
  return [goals, 'What stands in the way:\n', table(['missed', 'its limit'], missed)].join('\n');
}

function budgetPart({ steps }: Kept): string {
  const command = 'npm run bench:steps -- --json loadtest/figures/steps.json';
  if (steps === undefined) return notYet(command);
  const { budget, machine, idleShare } = steps;
  return [
    madeOn(machine, command),
    table(budgetHead, rowsOf(budget)),
    `Processor time of all threads, garbage and compilers included, less what the platform uses at rest${idleShare === undefined ? '' : ` (${(100 * idleShare).toFixed(1)} % of a core)`}. A crawl from end to end is measured until it is settled; each service of it then runs in a process of its own over what it read there, at the pace at which that came, and its steps run one by one and warm. What no step explains: ${restIs}.\n`,
    limitText(steps),
  ].join('\n');
}

function limitText({ budget, machine, limitUs, loadUs }: NonNullable<Kept['steps']>): string {
  const whole = countText((machine.cores * 1e6) / budget.sumUs);
  const all = `On ${machine.cores} cores that do nothing else these steps allow ${whole} paid crawls a second, settled ones`;
  if (limitUs === undefined || loadUs === undefined) return `${all}.\n`;
  const charted = countText((machine.cores * 1e6) / limitUs);
  return `${all}; its named steps alone allow ${charted} where money may wait, with the load and its site on the same cores (${loadUs.toFixed(1)} µs a crawl).\n`;
}

function figuresPart(bench: Kept['bench'], command: string): string {
  if (bench === undefined) return notYet(command);
  const rows = bench.rows.map(({ what, figure, limit = '' }) => [what, figure, limit]);
  return [madeOn(bench.machine, command), table(['what', 'figure', 'beside its limit'], rows)].join(
    '\n',
  );
}

/** Benches that take long and are asked for by themselves. */
function largePart({ start, soak, replay, revenue }: Kept): string[] {
  return [
    tablesPart('start', start, startTables),
    tablesPart('soak', soak, soakTables),
    tablesPart('replay', replay, replayTables),
    tablesPart('revenue', revenue, revenueTables),
  ];
}

function tablesPart<Figures extends { readonly machine: Machine }>(
  name: string,
  figures: Figures | undefined,
  read: (figures: Figures) => readonly FigureTable[],
  file = name,
): string {
  const flags = name.includes(' -- ') ? '' : ' --';
  const command = `npm run bench:${name}${flags} --json loadtest/figures/${file}.json`;
  if (figures === undefined) return notYet(command);
  const tables = read(figures).map(({ head, rows, notes }) =>
    [table([...head], rows), `${notes.join('\n')}\n`].join('\n'),
  );
  return [madeOn(figures.machine, command), ...tables].join('\n');
}

const bandsIntro = `\`npm run bench:check\` measures each ratio in turns with its limit (A B B A …) and takes the median of
the pairs; 1 is the limit itself. The bands come from runs of unchanged code
(\`npm run bench:check -- --measure-noise 10\`): the low end is a fifth below the worst run, or three
spreads below the median where that is lower, but never below half of the worst run. Ratios that
end in \`-cpu\`, and the first four, are of processor time; \`challenges\` and \`paid\` are of rates.
\`npm run bench:check -- --micro --plant codec\` does the work of one ratio twice: it must fail.
`;

function bandTable(bands: BandFile['bands']): string {
  const rows = Object.entries(bands).map(([name, { low, min, median, max, runs }]) =>
    [name, min, median, max, low, runs].map(String),
  );
  return table(['ratio', 'min', 'median', 'max', 'fails below', 'runs'], rows);
}

const planIntro = `1 billion challenges and 50 million paid crawls a day. \`npm run bench:plan\` computes it from the
runs above and from the inputs in \`loadtest/src/plan/inputs.ts\`, assumptions named as such.
`;

const endOfExact = `### Where \`exact\` ends

\`exact\` moves every payment by itself, so its gas is paid for every crawl: above the gas price that
stands in the table nothing is left of the price, and the ingress stops offering it at a configured
multiple before that. Admission is faster than settlement, too: what is admitted faster than it is
settled waits, the margin that proofs must leave grows with the queue, and the offer ends when the
queue fills half of the offered window. So \`exact\` is for prices well above its gas and for load
that settlement can follow. Below that, many crawls are settled at once: a voucher of a channel adds
up what its crawler owes and is claimed once a period, a signed commitment of a known account is
invoiced. Both cost the ingress the same proof and the log the same records; gas then grows with
crawlers, and no longer with crawls.
`;

function notYet(command: string): string {
  return `Not kept yet: \`${command}\`, then \`npm run bench:page\`.\n`;
}

function madeOn({ cpu, cores, node, measuredOn }: Machine, command?: string): string {
  const by = command === undefined ? '' : `\`${command}\`: `;
  return `${by}${measuredOn}, ${cores} cores of ${cpu}, Node ${node}.\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  return `${[line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')}\n`;
}

function escaped(cell: string): string {
  return cell.trim().replaceAll('|', '\\|');
}
