import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import type { Table } from '../projection/output.js';
import { columnsOf } from '../projection/rows.js';
import { firstPathMonth } from '../read/path-months.js';
import { unpaid } from '../retention.js';
import { shadowOf } from './shadow-tables.js';

/** How far the rebuild has read. */
export interface ReadSoFar {
  /** `topic/partition` → next offset; sources that are not here are not compared. */
  readonly ends: ReadonlyMap<string, number>;
  /** Everything appended before this has been read. */
  readonly untilMs: number;
}

export interface Comparison {
  readonly table: Table;
  /** Served rows of records that the rebuild has read. */
  readonly rows: number;
  /** Of these: without an equal rebuilt one. */
  readonly missing: number;
  /** Rebuilt rows that nothing which is served answers to. */
  readonly surplus: number;
}

export function differs({ missing, surplus }: Comparison): boolean {
  return missing > 0 || surplus > 0;
}

const source = ['source_topic', 'source_partition'];

/** What names a row of a table whose rows are replaced by newer ones. */
const identities: Partial<Record<Table, readonly string[]>> = {
  rollup_hour: ['publisher', 'hour', 'crawler', 'dialect', 'asset', ...source],
  rollup_path_day: ['publisher', 'day', 'path', 'asset', ...source],
  rollup_path_month: ['publisher', 'month', 'path', 'asset', ...source],
  log_totals: ['measure', 'asset', ...source],
  ledger_totals: ['publisher', 'moment', 'account', 'asset', ...source],
};

/** Columns that never change, where no position of the log stands in a row. */
const entities: Partial<Record<Table, { readonly seen: string; readonly frozen: string[] }>> = {
  crawls: { seen: 'at', frozen: ['publisher', 'at', 'id', 'method', 'host', 'path'] },
  batches: {
    seen: 'sealed_at',
    frozen: ['sealed_at', 'id', 'log_partition', 'asset', 'amount', 'charges'],
  },
  batch_charges: {
    seen: 'batch_at',
    frozen: ['publisher', 'batch_at', 'batch_id', 'charge_id', 'payer', 'asset', 'amount'],
  },
};

/** Retention takes these away by the wall clock, from one table before the other. */
const retained: Partial<Record<Table, string>> = unpaid;

/**
 * Compares what is served with what was rebuilt, row by row (by hashes), as far as the rebuild has
 * read. A served total that newer records have replaced already must be there, that is all.
 */
export async function compareTables(
  warehouse: Warehouse,
  readSoFar: ReadSoFar,
): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const table of Object.keys(columnsOf) as Table[]) {
    comparisons.push(await compareTable(warehouse, table, readSoFar));
  }
  return comparisons;
}

async function compareTable(
  warehouse: Warehouse,
  table: Table,
  { ends, untilMs }: ReadSoFar,
): Promise<Comparison> {
  const columns = entities[table]?.frozen ?? columnsOf[table];
  const names = identities[table] ?? columns;
  const hashes = (from: string, of: readonly string[], where: string): string =>
    `SELECT cityHash64(${of.join(', ')}) AS hash FROM ${from} FINAL
     WHERE NOT (${retained[table] ?? '0'}) AND ${where}`;
  const parameters = {
    sources: [...ends.keys()],
    ends: [...ends.values()].map(String),
    until: untilMs,
  };
  const count = async (sql: string): Promise<number> => {
    const rows = await warehouse.query<{ n: string }>(`SELECT count() AS n FROM (${sql})`, {
      ...parameters,
    });
    return Number.parseInt(rows[0]?.n ?? '', 10);
  };
  const without = (left: string, right: string): Promise<number> =>
    count(`SELECT hash FROM (${left}) WHERE hash NOT IN (${right})`);
  const bound = boundOf(table);
  const shadow = shadowOf(table);
  return {
    table,
    rows: await count(hashes(table, columns, bound)),
    missing: await without(hashes(table, columns, bound), hashes(shadow, columns, '1')),
    surplus: await without(hashes(shadow, names, bound), hashes(table, names, '1')),
  };
}

/** Rows of records that the rebuild has read. An unknown source ends at 0. */
function boundOf(table: Table): string {
  const entity = entities[table];
  if (entity !== undefined) return `toUnixTimestamp64Milli(${entity.seen}) < {until:Int64}`;
  const isTotal = identities[table] !== undefined;
  const prefix = isTotal ? 'source' : 'log';
  const key = `concat(${prefix}_topic, '/', toString(${prefix}_partition))`;
  const end = `{ends:Array(String)}[indexOf({sources:Array(String)}, ${key})]`;
  const isRead = `${isTotal ? 'version' : 'log_offset'} < toUInt64OrZero(${end})`;
  // Nobody reads the months before: a projection that had begun could not tell them in full.
  return table === 'rollup_path_month' ? `${isRead} AND month >= ${firstPathMonth}` : isRead;
}
