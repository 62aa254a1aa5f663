import { blockRowsMax, type Cell } from './warehouse.js';

/**
 * Rows as the engine's JSONCompactEachRow: an array of cells a line. Bytes outside the collected
 * heap, because rows gather until a block is written and would be copied about meanwhile.
 */
export interface RowText {
  readonly count: number;
  readonly json: Buffer;
}

export interface RowWriter {
  add(cells: readonly Cell[]): void;
  /** What was added since, in texts of at most `blockRowsMax` rows; begins anew. */
  take(): RowText[];
}

const bytesAtFirst = 16 * 1024;
/** A character of a JavaScript string is at most three bytes of UTF-8. */
const bytesPerCharMax = 3;

export function createRowWriter(): RowWriter {
  let full: RowText[] = [];
  let buffer: Buffer = Buffer.alloc(0);
  let bytes = 0;
  let count = 0;
  const cut = (): void => {
    if (count > 0) full.push({ count, json: buffer.subarray(0, bytes) });
    buffer = Buffer.alloc(0);
    bytes = 0;
    count = 0;
  };
  return {
    add(cells) {
      const line = JSON.stringify(cells);
      const bytesMax = bytes + 1 + bytesPerCharMax * line.length;
      if (bytesMax > buffer.length) buffer = grown(buffer, bytes, bytesMax);
      bytes += buffer.write(line, bytes);
      buffer[bytes++] = 0x0a;
      count += 1;
      if (count === blockRowsMax) cut();
    },
    take() {
      cut();
      const taken = full;
      full = [];
      return taken;
    },
  };
}

function grown(buffer: Buffer, bytes: number, bytesMin: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(bytesAtFirst, 2 * bytesMin));
  buffer.copy(larger, 0, 0, bytes);
  return larger;
}

/** For a few rows at once. */
export function rowText(rows: readonly (readonly Cell[])[]): RowText {
  const json = Buffer.from(rows.map((cells) => `${JSON.stringify(cells)}\n`).join(''));
  return { count: rows.length, json };
}

/** Reads them back. */
export function cellsOf({ json }: RowText): Cell[][] {
  const lines = json.toString().trimEnd().split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Cell[]);
}
