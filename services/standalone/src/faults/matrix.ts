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

/** `docs/fault-matrix.md`. */
export function renderDocument(lines: readonly MatrixLine[], measured: Measured): string {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const rowOf = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [
    '# Fault matrix',
    '',
    `Written by \`npm run test:faults -- --all\` at commit ${measured.commit}, seed ${measured.seed},`,
    `limits of time × ${measured.patience}, ${measured.machine}, Node ${measured.node}. Every case runs on real processes over a real broker`,
    'while crawlers with published x402 clients buy pages; afterwards the audit reads the whole log.',
    '`gap`: the longest time that one of the crawlers went without a page it paid for, since the',
    'fault began. `broken`: requests whose connection ended without an answer.',
    '',
    rowOf(titles),
    rowOf(titles.map(() => '---')),
    ...lines.map((line) => rowOf(cellsOf(line))),
    '',
  ].join('\n');
}
