import { readFileSync } from 'node:fs';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { openChdbWarehouse } from './chdb-warehouse.js';
import { openClickHouseWarehouse } from './clickhouse-warehouse.js';
import type { Warehouse } from './warehouse.js';

/** Which warehouse and how to reach it, as services have it in their configuration. */
export interface WarehouseSettings {
  /** Without it the engine runs in this process. */
  readonly url?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly database?: string;
}

export interface WarehousePlace {
  /** Of the embedded engine. */
  readonly directory: string;
  /** Questions over whole tables take longer than those of people. */
  readonly queryTimeoutMs?: number;
}

const databaseDefault = 'paycrawl';

export function openWarehouse(
  { url, user, passwordFile, database = databaseDefault }: WarehouseSettings,
  { directory, queryTimeoutMs }: WarehousePlace,
): Promise<Warehouse> {
  if (url === undefined) return openChdbWarehouse({ directory });
  return openClickHouseWarehouse({
    ...{ url, database },
    ...(user === undefined ? {} : { username: user }),
    ...(passwordFile === undefined ? {} : { password: readSecret(passwordFile) }),
    ...(queryTimeoutMs === undefined ? {} : { queryTimeoutMs }),
  });
}

function readSecret(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw fail('secret_unreadable', 'The password of ClickHouse cannot be read.', {
      cause,
      context: { path },
    });
  }
}
