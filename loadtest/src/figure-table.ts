import Table from 'cli-table3';
import type { Machine } from './figures.js';

/** Figures as people read them: on a terminal, and the same on the page of the documentation. */
export interface FigureTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Lines below it. */
  readonly notes: readonly string[];
}

/** What `--json` writes where the tables are all that anybody reads again. */
export interface TablesFile {
  readonly machine: Machine;
  readonly tables: readonly FigureTable[];
}

export function printTables(tables: readonly FigureTable[]): void {
  for (const { head, rows, notes } of tables) {
    const printed = new Table({ head: [...head], style: { head: [] } });
    printed.push(...rows.map((row) => [...row]));
    process.stdout.write(`${printed.toString()}\n`);
    for (const line of notes) process.stdout.write(`${line}\n`);
  }
}

export function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

export function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0);
}

export function countText(count: number): string {
  return Math.round(count).toLocaleString('en');
}
