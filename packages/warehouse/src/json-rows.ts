import { fail } from '@paycrawl/errors/paycrawl-error';
import { type Block, blockRowsMax } from './warehouse.js';

/** The engine's JSONEachRow: rows apart by a newline; inside values it is escaped. */
export function rowsOf<Row>(text: string): Row[] {
  if (text === '') return [];
  return JSON.parse(`[${text.trimEnd().replaceAll('\n', ',')}]`) as Row[];
}

export function checkBlock({ rows }: Block): void {
  if (rows.count > blockRowsMax) {
    throw fail('warehouse_rejected', `A block has more than ${blockRowsMax} rows`);
  }
}
