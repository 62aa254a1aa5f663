import { fail } from '@paycrawl/errors/paycrawl-error';
import { cellsOf } from '@paycrawl/warehouse/row-text';
import type { Cell, Warehouse } from '@paycrawl/warehouse/warehouse';
import type { Life, Timeline } from './timeline.js';
import type { Weather } from './weather.js';

/** What readers see: of each key the newest version, as a ReplacingMergeTree gives it. */
export interface WarehouseModel {
  insert(table: string, columns: readonly string[], rows: readonly (readonly Cell[])[]): void;
  /** `table key` to the row as text, in order. */
  contents(): Map<string, string>;
  rowsOf(table: string): readonly Readonly<Record<string, Cell>>[];
}

/** The order keys of infra/clickhouse/migrations. */
const orderKeys: Readonly<Record<string, readonly string[]>> = {
  event_index: ['subject', 'log_topic', 'log_partition', 'log_offset'],
  facts: ['publisher', 'at', 'log_topic', 'log_partition', 'log_offset'],
  crawls: ['publisher', 'at', 'id'],
  rollup_hour: [
    ...['publisher', 'hour', 'crawler', 'dialect', 'asset'],
    ...['source_topic', 'source_partition'],
  ],
  rollup_path_day: ['publisher', 'day', 'path', 'asset', 'source_topic', 'source_partition'],
  rollup_path_month: ['publisher', 'month', 'path', 'asset', 'source_topic', 'source_partition'],
  ledger_entries: ['publisher', 'at', 'log_topic', 'log_partition', 'log_offset', 'entry'],
  ledger_totals: [
    ...['publisher', 'moment', 'account', 'asset'],
    ...['source_topic', 'source_partition'],
  ],
  log_totals: ['measure', 'asset', 'source_topic', 'source_partition'],
  batches: ['sealed_at', 'id'],
  batch_charges: ['publisher', 'batch_at', 'batch_id', 'charge_id'],
};

interface Row {
  readonly version: number;
  readonly text: string;
  readonly cells: readonly Cell[];
  readonly columns: readonly string[];
}

export function createWarehouseModel(): WarehouseModel {
  const tables = new Map<string, Map<string, Row>>();
  return {
    insert(table, columns, rows) {
      const known = tables.get(table) ?? new Map<string, Row>();
      tables.set(table, known);
      const keyAt = (orderKeys[table] ?? []).map((name) => columns.indexOf(name));
      const versionAt = columns.indexOf('version');
      for (const cells of rows) {
        const key = keyAt.map((at) => cells[at]).join('\t');
        const version = versionAt < 0 ? 0 : (cells[versionAt] as number);
        const before = known.get(key);
        // Of equal versions the one that was inserted last is taken.
        if (before !== undefined && before.version > version) continue;
        known.set(key, { version, text: JSON.stringify(cells), cells, columns });
      }
    },
    contents() {
      const lines = [...tables].flatMap(([table, rows]) =>
        [...rows].map(([key, { text }]) => [`${table} ${key}`, text] as const),
      );
      return new Map(lines.sort(([a], [b]) => (a < b ? -1 : 1)));
    },
    rowsOf: (table) =>
      [...(tables.get(table)?.values() ?? [])].map(({ columns, cells }) =>
        Object.fromEntries(columns.map((name, at) => [name, cells[at] ?? null])),
      ),
  };
}

/** A block may fail before it was applied, or after. */
export function createWarehousePort(
  life: Life,
  model: WarehouseModel,
  { timeline, weather }: { readonly timeline: Timeline; readonly weather: Weather },
): Warehouse {
  const unused = () => Promise.reject(fail('internal', 'nothing here reads the warehouse'));
  return {
    insert: ({ table, columns, rows }) =>
      new Promise((resolve, reject) => {
        const isFailed = weather.happens('warehouse_failed');
        const isApplied = !isFailed || weather.happens('warehouse_failed');
        timeline.after(weather.delayMs('network'), life, () => {
          if (isApplied) model.insert(table, columns, cellsOf(rows));
          if (isFailed) reject(fail('warehouse_unavailable', 'The warehouse failed.'));
          else resolve();
        });
      }),
    query: unused,
    exec: unused,
    close: async () => {},
  };
}
