import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import { afterAll, describe, expect, test } from 'vitest';
import { openChdbWarehouse } from './chdb-warehouse.js';
import { warehouseContract } from './warehouse.contract.js';

const contractDirectory = mkdtempSync(join(tmpdir(), 'paycrawl-chdb-'));
warehouseContract('chdb', {
  open: () => openChdbWarehouse({ directory: contractDirectory }),
  remove: async () => rmSync(contractDirectory, { recursive: true }),
});

/** Another process inserts blocks of 100 rows for ever and names each acknowledged block. */
const writerProgram = `
import { Session } from 'chdb';
import { writeFileSync } from 'node:fs';
const directory = process.argv[1];
const session = new Session(directory, { connectionArgs: ['--async_insert=0'] });
writeFileSync(directory + '/paycrawl.pid', String(process.pid));
session.query('CREATE TABLE t (block UInt32, n UInt32) ENGINE = MergeTree ORDER BY (block, n)');
for (let block = 0; ; block += 1) {
  const values = Buffer.from(Array.from({ length: 100 }, (_, n) => \`[\${block},\${n}]\`).join('\\n'));
  await session.insert({ table: 't', values, format: 'JSONCompactEachRow' });
  console.log(block);
}`;

describe('chdb data folder', () => {
  const directory = mkdtempSync(join(tmpdir(), 'paycrawl-chdb-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  test('error: warehouse_locked, then readable after kill -9 in the middle of inserts', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', writerProgram, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: import.meta.dirname,
    });
    await blockAcknowledged(child, 5);
    const locked = await openChdbWarehouse({ directory }).catch((reason: unknown) => reason);
    expect(hasCode(locked, 'warehouse_locked')).toBe(true);
    expect(String(locked)).toContain(String(child.pid));

    const lastAcknowledged = await blockAcknowledged(child, 20);
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    const warehouse = await openChdbWarehouse({ directory });
    const [row] = await warehouse.query<{ blocks: string; broken: string }>(
      `SELECT max(block) AS blocks, countIf(rows != 100) AS broken
       FROM (SELECT block, count() AS rows FROM t GROUP BY block)`,
    );
    expect(row?.broken).toBe('0');
    expect(Number(row?.blocks)).toBeGreaterThanOrEqual(lastAcknowledged);
    await warehouse.close();
  });

  test('error: warehouse_locked for a second folder in the same process', async () => {
    const warehouse = await openChdbWarehouse({ directory });
    const second = await openChdbWarehouse({ directory }).catch((reason: unknown) => reason);
    expect(hasCode(second, 'warehouse_locked')).toBe(true);
    await warehouse.close();
    const late = await warehouse.query('SELECT 1').catch((reason: unknown) => reason);
    expect(hasCode(late, 'warehouse_unavailable')).toBe(true);
  });
});

function blockAcknowledged(child: ChildProcess, block: number): Promise<number> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => {
      if (Number(line) >= block) {
        lines.close();
        resolve(Number(line));
      }
    });
  });
}
