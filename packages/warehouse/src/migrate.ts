import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail, hasCode } from '@paycrawl/errors/paycrawl-error';
import { rowText } from './row-text.js';
import type { Warehouse } from './warehouse.js';

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sha256: string;
  readonly statements: readonly string[];
}

/** The platform's own migrations, the same place from the sources and from the build. */
export const migrationsDirectory = fileURLToPath(
  new URL('../../../infra/clickhouse/migrations', import.meta.url),
);

export interface MigrateOptions {
  readonly directory?: string;
  /** How long a statement is tried again while the warehouse is away. */
  readonly patienceMs?: number;
}

const patienceMsDefault = 60_000;
const retryDelayMs = 250;

/**
 * Brings the schema up to date and returns the numbers applied now. DDL has no transactions and
 * ClickHouse no locks, so nothing depends on them: every statement is one that may run twice, also
 * at the same time (`readMigrations` refuses others). A crash in the middle, a lost answer and
 * several instances that start at once all come to repeating statements. The record of a migration
 * follows its last statement, and several records of one are one.
 */
export async function migrate(
  warehouse: Warehouse,
  options: MigrateOptions = {},
): Promise<number[]> {
  const { directory = migrationsDirectory, patienceMs = patienceMsDefault } = options;
  const migrations = readMigrations(directory);
  const again = <T>(work: () => Promise<T>) => untilAnswered(work, patienceMs);
  await again(() =>
    warehouse.exec(`
    CREATE TABLE IF NOT EXISTS schema_migrations (number UInt32, name String, sha256 String)
    ENGINE = ReplacingMergeTree ORDER BY number`),
  );
  const appliedNow: number[] = [];
  for (const migration of migrations) {
    // Asked each time: another instance may have been faster.
    const known = await again(() => recordOf(warehouse, migration.number));
    if (known === migration.sha256) continue;
    if (known !== undefined) {
      throw fail('warehouse_migration_changed', `Migration ${migration.name} was applied already`);
    }
    for (const statement of migration.statements) await again(() => warehouse.exec(statement));
    await again(() => record(warehouse, migration));
    appliedNow.push(migration.number);
  }
  return appliedNow;
}

async function recordOf(warehouse: Warehouse, number: number): Promise<string | undefined> {
  const rows = await warehouse.query<{ sha256: string }>(
    'SELECT sha256 FROM schema_migrations WHERE number = {number:UInt32} LIMIT 1',
    { number },
  );
  return rows[0]?.sha256;
}

function record(warehouse: Warehouse, { number, name, sha256 }: Migration): Promise<void> {
  return warehouse.insert({
    table: 'schema_migrations',
    columns: ['number', 'name', 'sha256'],
    rows: rowText([[number, name, sha256]]),
  });
}

async function untilAnswered<T>(work: () => Promise<T>, patienceMs: number): Promise<T> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isAway = hasCode(error, 'warehouse_unavailable');
      if (!isAway || performance.now() >= untilMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryDelayMs));
    }
  }
}

/** Statements that leave the same schema however often and by however many they are run. */
const repeatable: readonly RegExp[] = [
  /^CREATE (DATABASE|TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS /i,
  /^CREATE OR REPLACE VIEW /i,
  /^DROP (TABLE|VIEW) IF EXISTS /i,
  /^ALTER TABLE \w+ ADD (COLUMN|INDEX|PROJECTION|CONSTRAINT) IF NOT EXISTS /i,
  /^ALTER TABLE \w+ DROP (COLUMN|INDEX|PROJECTION|CONSTRAINT) IF EXISTS /i,
  /^ALTER TABLE \w+ (MODIFY|RESET|MATERIALIZE|COMMENT) /i,
];

export function readMigrations(directory: string): Migration[] {
  const names = readdirSync(directory)
    .filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name))
    .sort();
  return names.map((name) => {
    const text = readFileSync(join(directory, name), 'utf8');
    const statements = statementsOf(text);
    const unsafe = statements.find((one) => !repeatable.some((pattern) => pattern.test(one)));
    if (unsafe !== undefined) {
      const detail = `${name}: "${unsafe.slice(0, 60)}" may not run twice`;
      throw fail('warehouse_migration_unrepeatable', detail);
    }
    return {
      number: Number.parseInt(name, 10),
      name,
      sha256: createHash('sha256').update(text).digest('hex'),
      statements,
    };
  });
}

/** Statements end with `;` at the end of a line; `--` comments stand on lines of their own. */
export function statementsOf(text: string): string[] {
  const code = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('--'))
    .join('\n');
  return code
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
