import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import { type ClickHouseServer, startClickHouseServer } from '@paycrawl/testkit/clickhouse-server';
import { startTcpProxy } from '@paycrawl/testkit/tcp-proxy';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ClickHouseOptions, openClickHouseWarehouse } from './clickhouse-warehouse.js';
import { migrate, migrationsDirectory, readMigrations } from './migrate.js';
import { rowText } from './row-text.js';
import { warehouseContract } from './warehouse.contract.js';
import type { Warehouse } from './warehouse.js';

const directory = mkdtempSync(join(tmpdir(), 'paycrawl-clickhouse-'));
const account = { username: 'analytics', password: `p:"ß'w` };
let server: ClickHouseServer;

beforeAll(async () => {
  server = await startClickHouseServer({ directory, ...account });
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

function open(options: Partial<ClickHouseOptions> = {}): Promise<Warehouse> {
  return openClickHouseWarehouse({
    ...{ url: server.url, database: 'contract', ...account },
    ...options,
  });
}

warehouseContract('ClickHouse over HTTP', { open: () => open(), remove: async () => {} });
warehouseContract('ClickHouse over HTTP, compressed', {
  open: () => open({ database: 'contract_gzip', isCompressed: true }),
  remove: async () => {},
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  const reason = await work.then(
    () => 'done',
    (error: unknown) => error,
  );
  return reason instanceof PaycrawlError ? reason.code : String(reason);
}

const facts = {
  table: 'facts',
  columns: [
    ...['publisher', 'at', 'measure', 'crawler', 'dialect', 'path', 'asset', 'amount'],
    ...['subject', 'code', 'log_topic', 'log_partition', 'log_offset'],
  ],
  rows: rowText(
    Array.from({ length: 50 }, (_, offset) => [
      ...[
        'p',
        Date.UTC(2026, 0, 31, 23, 59) + offset * 10_000,
        'charged',
        'bot',
        'x402',
        '/',
        'usdc',
      ],
      ...[`${2n ** 200n}`, 's', '', 'decisions.1', 0, offset],
    ]),
  ),
};

const readFacts = `SELECT count() AS facts, sum(amount) AS amount FROM facts FINAL`;
const once = [{ facts: '50', amount: `${2n ** 200n * 50n}` }];

describe('faults of the server', () => {
  const opened: Warehouse[] = [];
  const faulty = async (options: Partial<ClickHouseOptions>): Promise<Warehouse> => {
    const warehouse = await open(options);
    opened.push(warehouse);
    return warehouse;
  };
  afterEach(async () => {
    await server.setFault({ kind: 'none' });
    await Promise.all(opened.splice(0).map((warehouse) => warehouse.close()));
  });

  test('behavior: HTTP 500, a cut or silence after the insert: repeated, it counts once', async () => {
    const warehouse = await faulty({ database: 'faults', writeTimeoutMs: 2_000 });
    await migrate(warehouse);
    for (const fault of [
      { kind: 'fail_after_apply', times: 2, insertsOnly: true },
      { kind: 'cut_after_apply', times: 2, insertsOnly: true },
      { kind: 'hang', isApplied: true },
    ] as const) {
      await server.setFault(fault);
      const error = await warehouse.insert(facts).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'warehouse_unavailable', retryable: true });
      await server.setFault({ kind: 'none' });
      expect(await warehouse.query(readFacts)).toEqual(once);
    }
    await warehouse.insert(facts);
    expect(await warehouse.query(readFacts)).toEqual(once);
    const [raw] = await warehouse.query<{ n: string }>('SELECT count() AS n FROM facts');
    // The repetitions are there until they merge: it is the key that makes them harmless.
    expect(Number(raw?.n)).toBeGreaterThanOrEqual(50);
  });

  test('error: warehouse_unavailable while the server is away; then the same client goes on', async () => {
    const warehouse = await faulty({ database: 'away' });
    await warehouse.exec('CREATE TABLE t (n UInt64) ENGINE = ReplacingMergeTree ORDER BY n');
    await warehouse.insert({ table: 't', columns: ['n'], rows: rowText([[1]]) });
    await server.kill9();
    expect(await codeOf(warehouse.query('SELECT 1'))).toBe('warehouse_unavailable');
    expect(await codeOf(warehouse.exec('SELECT 1'))).toBe('warehouse_unavailable');
    const block = { table: 't', columns: ['n'], rows: rowText([[2]]) };
    expect(await codeOf(warehouse.insert(block))).toBe('warehouse_unavailable');
    expect(await codeOf(open({ openTimeoutMs: 0 }))).toBe('warehouse_unavailable');
    const opening = open({ database: 'away' });
    await server.restart();
    await warehouse.insert(block);
    expect(await warehouse.query('SELECT n FROM t ORDER BY n')).toEqual([{ n: '1' }, { n: '2' }]);
    await (await opening).close();
  });

  test('behavior: migrations by several instances, with the server killed among them', async () => {
    const instances = await Promise.all(
      Array.from({ length: 4 }, () => faulty({ database: 'together' })),
    );
    const runs = instances.map((warehouse) => migrate(warehouse));
    // Lost answers and a crash in the middle of it.
    await server.setFault({ kind: 'fail_after_apply', times: 3 });
    await runs[0]?.then(() => undefined);
    const rest = Promise.all(runs);
    await server.kill9();
    await server.restart();
    await rest;
    const [first] = instances;
    const tables = await first?.query<{ name: string }>(
      `SELECT name FROM system.tables WHERE database = 'together' ORDER BY name`,
    );
    const sql = readMigrations(migrationsDirectory).flatMap(({ statements }) => statements);
    const created = sql.flatMap((one) => /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(one)?.[1] ?? []);
    const expected = [...created, 'schema_migrations'].sort();
    expect(tables?.map(({ name }) => name)).toEqual(expected);
    expect(await migrate(instances[1] as Warehouse)).toEqual([]);
  });

  test('behavior: a question outlives the reset of a connection that was kept', async () => {
    const proxy = await startTcpProxy(server.port);
    const warehouse = await faulty({ url: `http://127.0.0.1:${proxy.port}`, database: 'reset' });
    await warehouse.query('SELECT 1');
    proxy.reset(1);
    expect(await warehouse.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await proxy.close();
  });

  test('error: warehouse_unavailable, in time, when nothing answers', async () => {
    const timeoutMs = 1_000;
    const deadlines = { queryTimeoutMs: timeoutMs, writeTimeoutMs: timeoutMs };
    const warehouse = await faulty({ database: 'silence', queriesMax: 1, ...deadlines });
    await server.setFault({ kind: 'hang' });
    const startedMs = performance.now();
    const statements = Array.from({ length: 5 }, () => codeOf(warehouse.query('SELECT 1')));
    statements.push(codeOf(warehouse.exec('SELECT 1')));
    expect(new Set(await Promise.all(statements))).toEqual(new Set(['warehouse_unavailable']));
    // All of them waited together, those in the queue too.
    expect(performance.now() - startedMs).toBeLessThan(3 * timeoutMs);
    await server.setFault({ kind: 'none' });
    expect(await warehouse.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });

  test('behavior: a half-open network is noticed', async () => {
    const proxy = await startTcpProxy(server.port);
    const url = `http://127.0.0.1:${proxy.port}`;
    const warehouse = await faulty({ url, database: 'half_open', queryTimeoutMs: 300 });
    proxy.set({ kind: 'half_open' });
    expect(await codeOf(warehouse.query('SELECT 1'))).toBe('warehouse_unavailable');
    proxy.set({ kind: 'pass' });
    expect(await warehouse.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await warehouse.close();
    await proxy.close();
  });

  test('behavior: what is more than a bound waits; what is more than that is refused', async () => {
    const warehouse = await faulty({ database: 'bounds', queriesMax: 2, waitingMax: 3 });
    await server.setFault({ kind: 'slow', delayMs: 50 });
    const all = Array.from({ length: 9 }, () => codeOf(warehouse.query('SELECT 1')));
    const codes = await Promise.all(all);
    expect(codes.filter((code) => code === 'done').length).toBe(5);
    expect(codes.filter((code) => code === 'warehouse_unavailable').length).toBe(4);
  });

  test('behavior: close waits for what runs and takes nothing more', async () => {
    const warehouse = await open({ database: 'closing' });
    await server.setFault({ kind: 'slow', delayMs: 100 });
    const running = warehouse.query('SELECT 1 AS n');
    await warehouse.close();
    expect(await running).toEqual([{ n: 1 }]);
    expect(await codeOf(warehouse.query('SELECT 1'))).toBe('warehouse_unavailable');
  });

  test('error: warehouse_rejected for a wrong password, several statements, more than a block', async () => {
    const refused = open({ password: 'wrong', openTimeoutMs: 0 });
    expect(await codeOf(refused)).toBe('warehouse_rejected');
    const warehouse = await faulty({ database: 'refusals' });
    expect(await codeOf(warehouse.exec('SELECT 1; SELECT 2'))).toBe('warehouse_rejected');
    expect(await warehouse.query(`SELECT 'a;b' AS x -- ; c\n`)).toEqual([{ x: 'a;b' }]);
  });

  test('error: config_invalid', async () => {
    for (const wrong of [{ url: 'nowhere' }, { url: 'ftp://x' }, { database: 'a b' }]) {
      expect(await codeOf(open({ openTimeoutMs: 0, ...wrong }))).toBe('config_invalid');
    }
    expect(await codeOf(open({ url: 'http://user:secret@h:8123' }))).toBe('config_invalid');
  });

  test('behavior: parameters of any length arrive', async () => {
    const warehouse = await faulty({ database: 'long' });
    const names = Array.from({ length: 5_000 }, (_, index) => `name-${index}-'"\\\n`);
    const [row] = await warehouse.query('SELECT {names:Array(String)} AS names', { names });
    expect(row).toEqual({ names });
  });
});
