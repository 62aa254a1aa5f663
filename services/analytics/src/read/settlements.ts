import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import type { Settlement, SettlementDetail, Settlements } from '../routes/api-types.js';
import { type AssetBook, moniesOf } from './asset-book.js';
import { orNull } from './crawls.js';
import { type Cursor, encodeCursor } from './cursor.js';
import { groupBy } from './group-by.js';
import { isoOf } from './period.js';

export interface SettlementsRequest {
  /** Only batches with charges of this publisher, and only those charges; undefined: all. */
  readonly publisher: string | undefined;
  readonly status?: string;
  readonly limit: number;
  readonly cursor?: Cursor;
}

interface Source {
  readonly warehouse: Warehouse;
  readonly assets: AssetBook;
}

interface BatchRow {
  readonly id: string;
  readonly log_partition: number;
  readonly status: Settlement['status'];
  readonly sealed_at_ms: string;
  readonly submitted_at_ms: string | null;
  readonly confirmed_at_ms: string | null;
  readonly asset: string;
  readonly amount: string;
  readonly charges: number;
  readonly attempts: number;
  readonly transaction: string;
  readonly block: string;
  readonly gas_asset: string;
  readonly gas_cost: string;
}

const columns = `id, log_partition, status, toUnixTimestamp64Milli(sealed_at) AS sealed_at_ms,
  toUnixTimestamp64Milli(submitted_at) AS submitted_at_ms,
  toUnixTimestamp64Milli(confirmed_at) AS confirmed_at_ms, asset, amount, charges, attempts,
  transaction, block, gas_asset, gas_cost`;

/** Newest first. */
export async function readSettlements(
  source: Source,
  request: SettlementsRequest,
): Promise<Settlements> {
  const { publisher = '', status = '', cursor, limit } = request;
  const rows = await source.warehouse.query<BatchRow>(
    `SELECT ${columns} FROM batches FINAL
     WHERE ({before:Int64} = 0
         OR (toUnixTimestamp64Milli(sealed_at), id) < ({before:Int64}, {beforeId:String}))
       AND ({status:String} = '' OR status = {status:String})
       AND ({publisher:String} = '' OR id IN (
         SELECT batch_id FROM batch_charges WHERE publisher = {publisher:String}))
     ORDER BY sealed_at DESC, id DESC LIMIT {limit:UInt32}`,
    {
      ...{ publisher, status, limit: limit + 1 },
      ...{ before: cursor?.atMs ?? 0, beforeId: cursor?.id ?? '' },
    },
  );
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const isMore = rows.length > limit && last !== undefined;
  return {
    settlements: await settlementsOf(source, page, request.publisher),
    next: isMore ? encodeCursor({ atMs: Number(last.sealed_at_ms), id: last.id }) : null,
  };
}

/** Undefined: no such batch, or none that this publisher has a charge in. */
export async function findSettlement(
  source: Source,
  id: string,
  publisher: string | undefined,
): Promise<Settlement | undefined> {
  const rows = await source.warehouse.query<BatchRow>(
    `SELECT ${columns} FROM batches WHERE id = {id:String} ORDER BY version DESC LIMIT 1`,
    { id },
  );
  const [settlement] = await settlementsOf(source, rows, publisher);
  return settlement === undefined || (publisher !== undefined && settlement.charges === 0)
    ? undefined
    : settlement;
}

interface ShareRow {
  readonly batch_id: string;
  readonly asset: string;
  readonly charges: string;
  readonly amount: string;
}

async function settlementsOf(
  { warehouse, assets }: Source,
  rows: readonly BatchRow[],
  publisher: string | undefined,
): Promise<Settlement[]> {
  if (publisher === undefined || rows.length === 0) {
    return rows.map((row) => {
      const amounts = moniesOf(assets, [[row.asset, BigInt(row.amount)]]);
      const isMined = row.status === 'confirmed';
      const gas = isMined ? assets.money(row.gas_asset, row.gas_cost) : null;
      return { ...settlementOf(row), charges: row.charges, amounts, gas };
    });
  }
  const shares = await warehouse.query<ShareRow>(
    `SELECT batch_id, asset, count() AS charges, sum(amount) AS amount
     FROM batch_charges FINAL
     WHERE publisher = {publisher:String} AND batch_id IN {ids:Array(String)}
     GROUP BY batch_id, asset`,
    { publisher, ids: rows.map(({ id }) => id) },
  );
  const byBatch = groupBy(shares, ({ batch_id }) => batch_id);
  return rows.map((row) => {
    const own = byBatch.get(row.id) ?? [];
    const charges = own.reduce((sum, share) => sum + Number(share.charges), 0);
    const amounts = moniesOf(
      assets,
      own.map(({ asset, amount }) => [asset, BigInt(amount)] as const),
    );
    return { ...settlementOf(row), charges, amounts, gas: null };
  });
}

function settlementOf(row: BatchRow): Omit<Settlement, 'charges' | 'amounts' | 'gas'> {
  return {
    id: row.id,
    partition: row.log_partition,
    status: row.status,
    sealedAt: isoOf(Number(row.sealed_at_ms)),
    submittedAt: isoOrNull(row.submitted_at_ms),
    confirmedAt: isoOrNull(row.confirmed_at_ms),
    attempts: row.attempts,
    transaction: orNull(row.transaction),
    block: row.status === 'confirmed' ? row.block : null,
  };
}

function isoOrNull(atMs: string | null): string | null {
  return atMs === null ? null : isoOf(Number(atMs));
}

interface ChargeRow {
  readonly charge_id: string;
  readonly publisher: string;
  readonly payer: string;
  readonly asset: string;
  readonly amount: string;
  readonly outcome: SettlementDetail['charges'][number]['outcome'];
  readonly code: string;
}

export async function readSettlementCharges(
  { warehouse, assets }: Source,
  id: string,
  publisher: string | undefined,
): Promise<SettlementDetail['charges']> {
  const rows = await warehouse.query<ChargeRow>(
    `SELECT charge_id, publisher, payer, asset, amount, outcome, code FROM batch_charges
     WHERE batch_id = {id:String} AND ({publisher:String} = '' OR publisher = {publisher:String})
     ORDER BY charge_id, version DESC LIMIT 1 BY publisher, charge_id`,
    { id, publisher: publisher ?? '' },
  );
  return rows.map((row) => ({
    chargeId: row.charge_id,
    // The id of a charge is the id of its crawl.
    crawlId: row.charge_id,
    publisher: row.publisher,
    payer: row.payer,
    amount: assets.money(row.asset, row.amount),
    outcome: row.outcome,
    code: orNull(row.code),
  }));
}
