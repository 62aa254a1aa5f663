import Table from 'cli-table3';
import type { FaultFigures } from './fault.js';
import type { LoadFigures } from './load.js';

/** A line of the printed matrix. */
export interface MatrixLine {
  readonly row: string;
  readonly case: string;
  readonly figures: FaultFigures;
  readonly load: LoadFigures;
  readonly charges: number;
  readonly verdict: string;
  readonly seconds: number;
}

const heads = ['fault', 'case', 'gap', 'requests', 'paid', '503', 'broken', 'charges', 'audit'];
const titles = [...heads, 'took', 'besides'];

function cellsOf(line: MatrixLine): readonly string[] {
  const { figures, load, charges, verdict, seconds } = line;
  const broken = Object.values(load.broken).reduce((sum, times) => sum + times, 0);
  return [
    ...[line.row, line.case],
    figures.gapMs === undefined ? '' : `${(figures.gapMs / 1000).toFixed(2)} s`,
    ...[load.requests, load.paid, load.statuses['503'] ?? 0, broken, charges].map(String),
    ...[verdict, `${seconds.toFixed(0)} s`, figures.note ?? ''],
  ];
}

export function renderMatrix(lines: readonly MatrixLine[]): string {
  const table = new Table({ head: [...titles], style: { head: [], border: [] } });
  for (const line of lines) table.push([...cellsOf(line)]);
  return table.toString();
}

export interface Measured {
  readonly commit: string;
  readonly seed: number;
  /** What the limits of time were multiplied with. */
  readonly patience: number;
  readonly machine: string;
  readonly node: string;
}

const measuredTitles = [...titles, 'commit, seed, limits'];

/** `docs/fault-matrix.md`. Rows that this run did not measure stay as they stand in `known`. */
export function renderDocument(
  lines: readonly MatrixLine[],
  measured: Measured,
  known: string,
): string {
  const { commit, seed, patience } = measured;
  const fresh = lines.map((line) => rowOf([...cellsOf(line), `${commit}, ${seed}, × ${patience}`]));
  const measuredNow = new Set(fresh.map(nameOf));
  const kept = known
    .split('\n')
    .filter(
      (row) => row.startsWith('| ') && !bounds.includes(row) && !measuredNow.has(nameOf(row)),
    );
  return [
    '# Fault matrix',
    '',
    'Written by `npm run test:faults -- --all`; with `--only` it renews the rows that it runs. The',
    `machine: ${measured.machine}, Node ${measured.node}. Every case runs on real processes over a real`,
    'broker while crawlers with published x402 clients buy pages; afterwards the audit reads the whole',
    'log. `gap`: the longest time that one of the crawlers went without a page it paid for, since the',
    'fault began. `broken`: requests whose connection ended without an answer. The last column: the',
    'commit that was measured, the seed of its draws, and what the limits of time were multiplied with.',
    '',
    ...bounds,
    ...inOrder([...fresh, ...kept]),
    '',
  ].join('\n');
}

function rowOf(cells: readonly string[]): string {
  return `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
}

const bounds = [rowOf(measuredTitles), rowOf(measuredTitles.map(() => '---'))];

const faultOf = (row: string): string => row.split(' | ', 1)[0] ?? '';

/** Fault and case, without how often the step had been passed: that is drawn anew. */
function nameOf(row: string): string {
  const [fault = '', name = ''] = row.split(' | ', 2);
  return `${fault}: ${name.replace(/:\d+$/, '')}`;
}

/** Cases of one fault together, however many runs they come from. */
function inOrder(documentRows: readonly string[]): readonly string[] {
  const faults = [...new Set(documentRows.map(faultOf))];
  return faults.flatMap((fault) => documentRows.filter((row) => faultOf(row) === fault));
}
