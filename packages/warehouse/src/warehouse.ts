import type { NativeRows } from './native-rows.js';
import type { RowText } from './row-text.js';

/**
 * The analytics store port: ClickHouse's dialect of SQL, whoever runs the engine.
 *
 * Promises of every adapter (the contract suite tests them):
 * - `insert` resolves when the whole block can be read back; a failure means unknown, so a caller
 *   inserts the same block again until it succeeds and its tables make that harmless.
 * - Values reach a statement as typed parameters only, never as text.
 * - Integers of 64 bits and more arrive as decimal strings, so no amount passes through a float.
 * - The settings of `pinnedSettings` are in force, whatever the engine's version defaults to.
 */

/** Amounts go in as decimal strings; DateTime64(3) as Unix milliseconds. */
export type Cell = string | number | boolean | null | readonly string[];

/** As text, or as the engine's own columns where there are many. */
export type Rows = RowText | NativeRows;

export interface Block {
  readonly table: string;
  readonly columns: readonly string[];
  /** Cells in the order of `columns`. */
  readonly rows: Rows;
}

/** Values of `{name:Type}` placeholders. */
export type Parameters = Readonly<Record<string, string | number | bigint | readonly string[]>>;

export interface Warehouse {
  /** One atomic block per table partition; at most `blockRowsMax` rows. */
  insert(block: Block): Promise<void>;
  /** Rows as the engine's JSONEachRow gives them. */
  query<Row>(sql: string, parameters?: Parameters): Promise<Row[]>;
  /** DDL; one statement. */
  exec(sql: string): Promise<void>;
  close(): Promise<void>;
}

export const blockRowsMax = 100_000;

/**
 * Defaults that changed between versions of the engine and would change our numbers:
 * 26.3 turned async_insert on, and block deduplication silently drops a second block with equal
 * content or token. Our tables are idempotent by their keys and need none of it.
 */
export const pinnedSettings = {
  async_insert: 0,
  async_insert_deduplicate: 0,
  insert_deduplicate: 0,
  deduplicate_blocks_in_dependent_materialized_views: 0,
  output_format_json_quote_64bit_integers: 1,
  session_timezone: 'UTC',
} as const satisfies Record<string, number | string>;
