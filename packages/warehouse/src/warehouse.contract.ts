import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from './migrate.js';
import type { NativeCell } from './native-columns.js';
import { createNativeWriter, type Schema } from './native-rows.js';
import { cellsOf, rowText } from './row-text.js';
import { pinnedSettings, type Warehouse } from './warehouse.js';

export interface WarehouseFactory {
  /** Opens the same empty-at-first store again and again within one run. */
  open(): Promise<Warehouse>;
  /** Removes everything; called once, after the last close. */
  remove(): Promise<void>;
}

/** What every adapter of the warehouse port promises. */
export function warehouseContract(name: string, factory: WarehouseFactory): void {
  describe(`warehouse contract: ${name}`, () => {
    const store: { warehouse?: Warehouse } = {};
    const warehouse = (): Warehouse => store.warehouse as Warehouse;

    beforeAll(async () => {
      store.warehouse = await factory.open();
      await warehouse().exec(`CREATE TABLE facts (id String, amount UInt256, small Int64,
        at DateTime64(3), tags Array(String), flag Bool, note Nullable(String))
        ENGINE = MergeTree ORDER BY id`);
    });
    afterAll(async () => {
      await warehouse().close();
      await factory.remove();
    });
    valueBehaviour(warehouse);
    nativeBehaviour(warehouse);
    failureBehaviour(warehouse);
    migrationBehaviour(warehouse);
    test('behavior: what was inserted is there after close and open', async () => {
      const sql = 'SELECT count() AS n FROM facts';
      const before = await warehouse().query(sql);
      await warehouse().close();
      store.warehouse = await factory.open();
      expect(await warehouse().query(sql)).toEqual(before);
    });
  });
}

const columns = ['id', 'amount', 'small', 'at', 'tags', 'flag', 'note'];
const hostile = `a'b"\\\n\t{x:String}; DROP TABLE facts -- \u2028 é 🐜`;

function valueBehaviour(warehouse: () => Warehouse): void {
  test('behavior: values come back as they went in, big integers as strings', async () => {
    const uint256Max = (2n ** 256n - 1n).toString();
    const at = Date.UTC(2026, 0, 31, 23, 59, 59, 999);
    const row = [hostile, uint256Max, '-9223372036854775808', at, ['x', hostile], true, null];
    await warehouse().insert({ table: 'facts', columns, rows: rowText([row]) });
    const rows = await warehouse().query(
      `SELECT id, amount, small, toUnixTimestamp64Milli(at) AS at, tags, flag, note
       FROM facts WHERE id = {id:String}`,
      { id: hostile },
    );
    expect(rows).toEqual([
      {
        id: hostile,
        amount: uint256Max,
        small: '-9223372036854775808',
        at: String(at),
        tags: ['x', hostile],
        flag: true,
        note: null,
      },
    ]);
  });

  test('behavior: parameters of every type are bound, never spliced', async () => {
    const rows = await warehouse().query(
      'SELECT {s:String} AS s, {n:UInt64} AS n, {i:Int32} AS i, {a:Array(String)} AS a',
      { s: hostile, n: 2n ** 64n - 1n, i: -5, a: [hostile, ''] },
    );
    expect(rows).toEqual([{ s: hostile, n: '18446744073709551615', i: -5, a: [hostile, ''] }]);
  });

  test('behavior: sums of 256 bits do not wrap', async () => {
    const rows = ['a', 'b'].map((id) => [`sum-${id}`, `${2n ** 64n - 1n}`, 0, 0, [], false, '']);
    await warehouse().insert({ table: 'facts', columns, rows: rowText(rows) });
    expect(
      await warehouse().query(
        `SELECT sum(toUInt256(amount)) AS s FROM facts WHERE id LIKE 'sum-%'`,
      ),
    ).toEqual([{ s: `${(2n ** 64n - 1n) * 2n}` }]);
  });

  test('behavior: the same block twice is two blocks; nothing is dropped silently', async () => {
    const block = {
      table: 'facts',
      columns,
      rows: rowText([['twice', '1', 0, 0, [], false, null]]),
    };
    await warehouse().insert(block);
    await warehouse().insert(block);
    const sql = `SELECT count() AS n FROM facts WHERE id = 'twice'`;
    expect(await warehouse().query(sql)).toEqual([{ n: '2' }]);
  });

  test('behavior: an empty block and an empty answer are fine', async () => {
    await warehouse().insert({ table: 'facts', columns, rows: rowText([]) });
    expect(await warehouse().query('SELECT 1 AS n WHERE 0')).toEqual([]);
  });

  test('behavior: the pinned settings are in force', async () => {
    const names = Object.keys(pinnedSettings);
    const rows = await warehouse().query<{ name: string; value: string }>(
      'SELECT name, value FROM system.settings WHERE name IN {names:Array(String)}',
      { names },
    );
    const values = Object.fromEntries(rows.map(({ name, value }) => [name, value]));
    const expected = Object.entries(pinnedSettings).map(([name, value]) => [name, String(value)]);
    expect(values).toEqual(Object.fromEntries(expected));
  });
}

const key = 'LowCardinality(String)';
const nativeSchema: Schema = [
  ['id', 'String'],
  ['name', key],
  ['at', 'DateTime64(3)'],
  ['ended', 'Nullable(DateTime64(3))'],
  ['day', 'Date'],
  ['hour', 'DateTime'],
  ['small', 'UInt16'],
  ['many', 'UInt32'],
  ['more', 'UInt64'],
  ['sum', 'UInt128'],
  ['amount', 'UInt256'],
];

/** Every type, at its bounds; more names than an index of one byte tells apart. */
function nativeRow(n: number): NativeCell[] {
  const id = n === 0 ? hostile : `${n}`;
  const name = n % 3 === 0 ? '' : `${hostile}${n}`.repeat(1 + (n % 4));
  const times = [Date.UTC(2026, 0, 31, 23, 59, 59, 999), n % 2 === 0 ? null : n, n, n * 3600];
  const maxima = [2 ** 16 - 1, 2 ** 32 - 1, 2n ** 64n - 1n, 2n ** 128n - 1n, 2n ** 256n - 1n];
  const cells = n === 0 ? maxima : [n, n * 1_000, n * 2 ** 32 + n, BigInt(n), BigInt(n) << 60n];
  return [id, name, ...times, ...cells];
}

function nativeBehaviour(warehouse: () => Warehouse): void {
  const columns = nativeSchema.map(([name]) => name);
  const rows = Array.from({ length: 700 }, (_, n) => nativeRow(n));
  const blockOf = (table: string, added: readonly NativeCell[][]) => {
    const writer = createNativeWriter(nativeSchema);
    for (const row of added) writer.add(row);
    const [taken = rowText([])] = writer.take();
    return { table, columns, rows: taken };
  };

  test('behavior: rows in columns come back as they went in, types converted', async () => {
    await warehouse().exec(`CREATE TABLE native (id String, name String, at DateTime64(3, 'UTC'),
      ended Nullable(DateTime64(3, 'UTC')), day Date, hour DateTime('UTC'), small UInt16,
      many UInt32, more UInt64, sum UInt128, amount UInt256) ENGINE = MergeTree ORDER BY id`);
    const block = blockOf('native', rows);
    await warehouse().insert(block);
    const found = await warehouse().query<Record<string, NativeCell>>(`
      SELECT id, name, toUnixTimestamp64Milli(at) AS at, toUnixTimestamp64Milli(ended) AS ended,
        toUInt16(day) AS day, toUnixTimestamp(hour) AS hour, small, many, more, sum, amount
      FROM native ORDER BY rowNumberInAllBlocks()`);
    const textOf = (row: readonly (NativeCell | undefined)[]) =>
      JSON.stringify(row.map((cell) => (cell === null ? null : String(cell))));
    const expected = rows.map(textOf).sort();
    expect(found.map((row) => textOf(columns.map((name) => row[name]))).sort()).toEqual(expected);
    const read = cellsOf(block.rows).map((row) => row.map((cell, i) => (i === 4 ? 0 : cell)));
    const days = rows.map((row) => row.map((cell, i) => (i === 4 ? 0 : cell)));
    expect(read.map((row) => textOf(row as NativeCell[]))).toEqual(days.map(textOf));
  });

  test('behavior: rows in columns of a block that is refused are not there', async () => {
    const refused = blockOf('facts', rows.slice(0, 2));
    const error = await warehouse()
      .insert(refused)
      .catch((reason: unknown) => reason);
    expect(hasCode(error, 'warehouse_rejected')).toBe(true);
    const { table, columns: names, rows: cut } = blockOf('native', rows);
    if (!('native' in cut)) throw new Error('rows in columns are expected');
    const native = cut.native.subarray(0, cut.native.length - 40);
    const torn = await warehouse()
      .insert({ table, columns: names, rows: { count: 700, native } })
      .catch((reason: unknown) => reason);
    expect(hasCode(torn, 'warehouse_rejected')).toBe(true);
    expect(await warehouse().query('SELECT count() AS n FROM native')).toEqual([{ n: '700' }]);
  });
}

function failureBehaviour(warehouse: () => Warehouse): void {
  test('error: warehouse_rejected', async () => {
    for (const bad of [
      () => warehouse().query('SELEC 1'),
      () => warehouse().query('SELECT {missing:String}'),
      () => warehouse().exec('CREATE TABLE'),
      () => warehouse().insert({ table: 'nowhere', columns: ['a'], rows: rowText([[1]]) }),
      () =>
        warehouse().insert({
          table: 'facts',
          columns: ['amount'],
          rows: rowText([['not a number']]),
        }),
    ]) {
      const error = await bad().catch((reason: unknown) => reason);
      expect(hasCode(error, 'warehouse_rejected')).toBe(true);
    }
  });

  test('behavior: a block with one bad row inserts none of its rows', async () => {
    const good = ['half', '1', 0, 0, [], false, null];
    const bad = ['half', 'x', 0, 0, [], false, null];
    await warehouse()
      .insert({ table: 'facts', columns, rows: rowText([good, bad]) })
      .catch(() => undefined);
    const sql = `SELECT count() AS n FROM facts WHERE id = 'half'`;
    expect(await warehouse().query(sql)).toEqual([{ n: '0' }]);
  });
}

function migrationBehaviour(warehouse: () => Warehouse): void {
  test('behavior: migrations apply in order, once, whoever starts at once', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'paycrawl-migrations-'));
    try {
      const create = '-- why\nCREATE TABLE IF NOT EXISTS m (a String) ENGINE = Log;\n';
      writeFileSync(join(directory, '0001_first.sql'), create);
      const second =
        'ALTER TABLE m COMMENT COLUMN a $$one;two$$;\n' +
        'CREATE TABLE IF NOT EXISTS n AS m;\nCREATE TABLE IF NOT EXISTS n AS m;\n';
      writeFileSync(join(directory, '0002_second.sql'), second);
      // As instances that start together do.
      const runs = Array.from({ length: 4 }, () => migrate(warehouse(), { directory }));
      const applied = new Set((await Promise.all(runs)).flat());
      expect(applied).toEqual(new Set([1, 2]));
      expect(await migrate(warehouse(), { directory })).toEqual([]);
      const records = 'SELECT number FROM schema_migrations FINAL ORDER BY number';
      expect(await warehouse().query(records)).toEqual([{ number: 1 }, { number: 2 }]);
      expect(await warehouse().query('SELECT count() AS n FROM n')).toEqual([{ n: '0' }]);
      writeFileSync(join(directory, '0003_third.sql'), `INSERT INTO m VALUES ('x');\n`);
      const unsafe = await migrate(warehouse(), { directory }).catch((reason: unknown) => reason);
      expect(hasCode(unsafe, 'warehouse_migration_unrepeatable')).toBe(true);
      rmSync(join(directory, '0003_third.sql'));
      writeFileSync(join(directory, '0001_first.sql'), `${create}-- edited\n`);
      const error = await migrate(warehouse(), { directory }).catch((reason: unknown) => reason);
      expect(hasCode(error, 'warehouse_migration_changed')).toBe(true);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}
