import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail } from '@paycrawl/errors/paycrawl-error';
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

/**
 * Brings the schema up to date and returns the numbers applied now. Statements are written so
 * that running one twice is harmless (`IF NOT EXISTS`): a crash between a statement and its
 * record repeats it.
 */
export async function migrate(
  warehouse: Warehouse,
  directory: string = migrationsDirectory,
): Promise<number[]> {
  await warehouse.exec(`
    CREATE TABLE IF NOT EXISTS schema_migrations (number UInt32, name String, sha256 String)
    ENGINE = ReplacingMergeTree ORDER BY number`);
  const applied = await warehouse.query<{ number: number; sha256: string }>(
    'SELECT number, any(sha256) AS sha256 FROM schema_migrations GROUP BY number',
  );
  const appliedHashes = new Map(applied.map(({ number, sha256 }) => [number, sha256]));
  const appliedNow: number[] = [];
  for (const migration of readMigrations(directory)) {
    const known = appliedHashes.get(migration.number);
    if (known === migration.sha256) continue;
    if (known !== undefined) {
      throw fail('warehouse_migration_changed', `Migration ${migration.name} was applied already`);
    }
    await apply(warehouse, migration);
    appliedNow.push(migration.number);
  }
  return appliedNow;
}

async function apply(warehouse: Warehouse, migration: Migration): Promise<void> {
  for (const statement of migration.statements) await warehouse.exec(statement);
  await warehouse.insert({
    table: 'schema_migrations',
    columns: ['number', 'name', 'sha256'],
    rows: [[migration.number, migration.name, migration.sha256]],
  });
}

export function readMigrations(directory: string): Migration[] {
  const names = readdirSync(directory)
    .filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name))
    .sort();
  return names.map((name) => {
    const text = readFileSync(join(directory, name), 'utf8');
    return {
      number: Number.parseInt(name, 10),
      name,
      sha256: createHash('sha256').update(text).digest('hex'),
      statements: statementsOf(text),
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
