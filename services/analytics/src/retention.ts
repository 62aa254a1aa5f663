import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import type { Table } from './projection/output.js';

/**
 * Visits that ended at the till are most of all rows, and the log itself keeps `challenges` for a
 * time only. Their roll-ups stay for ever; what was paid for stays altogether.
 */
export const unpaid = {
  facts: "measure IN ('challenged', 'refused')",
  event_index: "startsWith(log_topic, 'challenges.')",
  crawls: "status IN ('challenged', 'refused')",
} as const satisfies Partial<Record<Table, string>>;

/**
 * Sets the retention where it is another one. A setting and not a migration, because it may change;
 * any number of instances may do it at once. Rows go by themselves, when parts are merged.
 */
export async function applyRetention(warehouse: Warehouse, unpaidDays: number): Promise<void> {
  for (const [table, condition] of Object.entries(unpaid)) {
    const [row] = await warehouse.query<{ sql: string }>(
      `SELECT create_table_query AS sql FROM system.tables
       WHERE database = currentDatabase() AND name = {table:String}`,
      { table },
    );
    if (row?.sql.includes(`toIntervalDay(${unpaidDays})`) === true) continue;
    await warehouse.exec(
      `ALTER TABLE ${table} MODIFY TTL
       toDateTime(at) + INTERVAL ${unpaidDays} DAY DELETE WHERE ${condition}`,
    );
  }
}
