import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { hourMs } from '../projection/totals.js';
import type { Crawl, CrawlStatus, Crawls } from '../routes/api-types.js';
import type { AssetBook } from './asset-book.js';
import { type Cursor, encodeCursor } from './cursor.js';
import { isoOf, type Period } from './period.js';

export interface CrawlsRequest extends Period {
  readonly publisher: string;
  readonly status?: string;
  readonly crawler?: string;
  readonly payer?: string;
  readonly dialect?: string;
  /** Prefix of the path. */
  readonly path?: string;
  readonly limit: number;
  readonly cursor?: Cursor;
}

export interface CrawlRow {
  readonly publisher: string;
  readonly at_ms: string;
  readonly id: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly crawler: string;
  readonly payer: string;
  readonly dialect: string;
  readonly status: CrawlStatus;
  readonly code: string;
  readonly asset: string;
  readonly amount: string;
  readonly challenge_id: string;
  readonly charge_id: string;
  readonly batch_id: string;
  readonly transaction: string;
}

interface Source {
  readonly warehouse: Warehouse;
  readonly assets: AssetBook;
}

const columns = `publisher, toUnixTimestamp64Milli(at) AS at_ms, id, method, host, path, crawler,
  payer, dialect, status, code, asset, amount, challenge_id, charge_id, batch_id, transaction`;

/** Widths of the windows that are looked through, newest first, until a page is full. */
const windowsMs = [hourMs, 12 * hourMs, 96 * hourMs, 720 * hourMs];

/** One page, newest first. Windows keep a page cheap however many crawls the period holds. */
export async function readCrawls(source: Source, request: CrawlsRequest): Promise<Crawls> {
  const { fromMs, limit, cursor } = request;
  const rows: CrawlRow[] = [];
  // The cursor's own millisecond may hold more rows.
  let toMs = cursor === undefined ? request.toMs : Math.min(request.toMs, cursor.atMs + 1);
  for (let step = 0; toMs > fromMs && rows.length <= limit; step += 1) {
    const widthMs = windowsMs[Math.min(step, windowsMs.length - 1)] as number;
    const window = { fromMs: Math.max(fromMs, toMs - widthMs), toMs };
    const wanted = limit + 1 - rows.length;
    rows.push(...(await readWindow(source, { ...request, ...window, limit: wanted })));
    toMs = window.fromMs;
  }
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const isMore = rows.length > limit && last !== undefined;
  return {
    crawls: page.map((row) => crawlOf(source.assets, row)),
    next: isMore ? encodeCursor({ atMs: Number(last.at_ms), id: last.id }) : null,
  };
}

function readWindow({ warehouse }: Source, request: CrawlsRequest): Promise<CrawlRow[]> {
  const { publisher, fromMs, toMs, limit, cursor } = request;
  const { status = '', crawler = '', payer = '', dialect = '', path = '' } = request;
  const sql = `
    SELECT ${columns} FROM crawls FINAL
    WHERE publisher = {publisher:String}
      AND at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
      AND at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
      AND ({before:Int64} = 0 OR (toUnixTimestamp64Milli(at), id) < ({before:Int64}, {beforeId:String}))
      AND ({status:String} = '' OR status = {status:String})
      AND ({crawler:String} = '' OR crawler = {crawler:String})
      AND ({payer:String} = '' OR payer = {payer:String})
      AND ({dialect:String} = '' OR dialect = {dialect:String})
      AND startsWith(path, {path:String})
    ORDER BY at DESC, id DESC LIMIT {limit:UInt32}`;
  const filters = { status, crawler, payer, dialect, path };
  const before = { before: cursor?.atMs ?? 0, beforeId: cursor?.id ?? '' };
  return warehouse.query(sql, { publisher, from: fromMs, to: toMs, limit, ...filters, ...before });
}

/** The crawl of an id. One that was charged is shown so, whatever was refused after it. */
export async function findCrawlRow(
  warehouse: Warehouse,
  id: string,
): Promise<CrawlRow | undefined> {
  const [row] = await warehouse.query<CrawlRow>(
    `SELECT ${columns} FROM crawls WHERE id = {id:String}
     ORDER BY status IN ('charged', 'settled', 'uncollectible') DESC, version DESC LIMIT 1`,
    { id },
  );
  return row;
}

export function crawlOf(assets: AssetBook, row: CrawlRow): Crawl {
  const { publisher, id, method, host, path, crawler, status, asset, amount } = row;
  return {
    ...{ id, publisher, at: isoOf(Number(row.at_ms)), method, path, crawler, status },
    // Host and path as the price rules saw them; the scheme is the ingress's business.
    url: `${host}${path}`,
    payer: orNull(row.payer),
    dialect: orNull(row.dialect),
    code: orNull(row.code),
    amount: asset === '' ? null : assets.money(asset, amount),
    chargeId: orNull(row.charge_id),
    batchId: orNull(row.batch_id),
    transaction: orNull(row.transaction),
  };
}

export function orNull(text: string): string | null {
  return text === '' ? null : text;
}
