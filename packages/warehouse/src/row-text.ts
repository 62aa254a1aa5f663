import { nativeCells } from './native-cells.js';
import type { Cell, Rows } from './warehouse.js';

/** Rows as the engine's JSONCompactEachRow: an array of cells a line. For a few rows of any type. */
export interface RowText {
  readonly count: number;
  readonly json: Buffer;
}

/** For a few rows at once. */
export function rowText(rows: readonly (readonly Cell[])[]): RowText {
  const json = Buffer.from(rows.map((cells) => `${JSON.stringify(cells)}\n`).join(''));
  return { count: rows.length, json };
}

/** Reads them back. */
export function cellsOf(rows: Rows): Cell[][] {
  if ('native' in rows) return nativeCells(rows);
  const lines = rows.json.toString().trimEnd().split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Cell[]);
}
