import { fail, hasCode, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import type { Table } from '../projection/output.js';
import { tables } from '../projection/rows.js';
import { unpaid } from '../retention.js';

/** Where the new generation of a table grows; after the swap the old one stands there. */
export function shadowOf(table: string): string {
  return `${table}__rebuild`;
}

const lockTable = 'projection_rebuild';
const tableExists = 57;

/** CREATE TABLE is the one statement that exactly one of several succeeds with. */
export async function lock(warehouse: Warehouse, isForced: boolean): Promise<void> {
  const create = `CREATE TABLE ${lockTable} (at DateTime DEFAULT now()) ENGINE = Log`;
  if (isForced) await unlock(warehouse);
  try {
    await warehouse.exec(create);
  } catch (error) {
    const isTaken =
      error instanceof PaycrawlError &&
      hasCode(error, 'warehouse_rejected') &&
      error.context.engineCode === tableExists;
    if (!isTaken) throw error;
    const detail = 'Another rebuild runs; if it was killed, start with --force';
    throw fail('warehouse_rebuild_impossible', detail, { cause: error });
  }
}

export async function unlock(warehouse: Warehouse): Promise<void> {
  await warehouse.exec(`DROP TABLE IF EXISTS ${lockTable}`);
}

/** Empty, with the structure, order, codecs and retention of the tables that are served. */
export async function createShadows(warehouse: Warehouse): Promise<void> {
  for (const table of tables) {
    await warehouse.exec(`DROP TABLE IF EXISTS ${shadowOf(table)} SYNC`);
    await warehouse.exec(`CREATE TABLE ${shadowOf(table)} AS ${table}`);
  }
}

/** Each exchange is atomic: a question reads the old generation of a table or the new one. */
export async function exchange(warehouse: Warehouse): Promise<void> {
  for (const table of tables) {
    await warehouse.exec(`EXCHANGE TABLES ${table} AND ${shadowOf(table)}`);
  }
}

export async function dropShadows(warehouse: Warehouse): Promise<void> {
  for (const table of tables) {
    await warehouse.exec(`DROP TABLE IF EXISTS ${shadowOf(table)} SYNC`);
  }
}

/**
 * Inserts that began before the exchange end in the old tables: what is copied out of them must
 * wait for these.
 */
export async function insertsEnded(warehouse: Warehouse, patienceMs: number): Promise<void> {
  const running = `SELECT query_id AS id FROM system.processes
    WHERE query_kind = 'Insert' AND current_database = currentDatabase()`;
  const before = await warehouse.query<{ id: string }>(running);
  const ids = new Set(before.map(({ id }) => id));
  const untilMs = performance.now() + patienceMs;
  while (ids.size > 0) {
    const now = await warehouse.query<{ id: string }>(running);
    if (!now.some(({ id }) => ids.has(id))) return;
    if (performance.now() >= untilMs) {
      throw fail('warehouse_unavailable', 'Inserts into the old tables do not end');
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** `topic/partition` of sources whose beginning the log no longer holds. */
export type Carried = readonly string[];

const rowTables: readonly Table[] = ['facts', 'event_index', 'ledger_entries'];
const pathTables: readonly Table[] = ['rollup_path_day', 'rollup_path_month'];
const totalTables: readonly Table[] = ['rollup_hour', ...pathTables, 'log_totals'];

/**
 * Rows of carried sources cannot be made from the log again: they go over as they are. `sinceMs`
 * leaves out what ended well before it, for the second copy after the swap. A copy may run twice.
 */
export async function carryOver(
  warehouse: Warehouse,
  carried: Carried,
  of: { readonly from: (table: string) => string; readonly to: (table: string) => string },
  sinceMs = 0,
): Promise<void> {
  if (carried.length === 0) return;
  const copy = async (table: Table, where: string): Promise<void> => {
    const from = `SELECT * FROM ${of.from(table)} WHERE ${where}`;
    await warehouse.exec(`INSERT INTO ${of.to(table)} ${from}`);
  };
  const keys = carried.map((key) => `'${key}'`).join(', ');
  const since = Math.floor(sinceMs / 1000) - daySeconds;
  const recent: Partial<Record<Table, string>> = {
    rollup_hour: `hour >= toDateTime(${Math.max(0, since)}, 'UTC')`,
    rollup_path_day: `day >= toDate(toDateTime(${Math.max(0, since)}, 'UTC'))`,
    rollup_path_month: `month >= toStartOfMonth(toDateTime(${Math.max(0, since)}, 'UTC'))`,
  };
  const late = `at >= toDateTime64(${Math.max(0, since)}, 3, 'UTC')`;
  for (const table of rowTables) {
    await copy(table, `concat(log_topic, '/', toString(log_partition)) IN (${keys}) AND ${late}`);
  }
  for (const table of totalTables) {
    const source = `concat(source_topic, '/', toString(source_partition)) IN (${keys})`;
    await copy(table, `${source} AND ${recent[table] ?? '1'}`);
  }
  // Visits that ended at the till are all that a source that may be carried writes here.
  await copy('crawls', `${unpaid.crawls} AND ${late}`);
}

const daySeconds = 86_400;
