import type { EventLog } from '@paycrawl/event-log/event-log';
import { idOfCause } from '@paycrawl/events/envelope';
import { openWarehouse } from '@paycrawl/warehouse/open-warehouse';
import { expect } from 'vitest';
import type { RunFile } from '../run-file.js';
import { readEvents } from '../testing/log-view.js';
import { openReadApi, sumOf } from '../testing/read-api.js';
import { separatePublisher } from '../testing/separate-services.js';
import { usdcBalance } from '../usdc-balance.js';
import type { FaultContext } from './fault.js';
import type { FaultPlatform } from './platform.js';

/** What a publisher has earned. */
export interface Books {
  readonly charges: number;
  readonly charged: bigint;
  readonly settled: bigint;
}

/** By the records of the ledger alone; an output that was written twice counts once. */
export async function ledgerBooks(log: EventLog, publisherId = separatePublisher): Promise<Books> {
  const seen = new Set<string>();
  const books = { charges: 0, charged: 0n, settled: 0n };
  for (const event of await readEvents(log, 'ledger')) {
    if (event.type !== 'LedgerPosted' || event.data.publisherId !== publisherId) continue;
    const id = event.cause === undefined ? event.id : idOfCause(event.cause);
    if (seen.has(id)) continue;
    seen.add(id);
    const payable = event.data.entries.find(({ account }) => account.startsWith(payableAccount));
    const amount = BigInt(payable?.amount ?? '0');
    if (event.data.moment === 'charge_posted') {
      books.charges += 1;
      books.charged += amount;
    } else if (event.data.moment === 'charge_settled') {
      books.settled += amount;
    }
  }
  return books;
}

const payableAccount = 'publisher_payable/';

/** By the read API; undefined while it does not answer. */
export async function apiBooks(run: RunFile): Promise<Books | undefined> {
  const api = openReadApi(run);
  try {
    const revenue = `/v1/publishers/${run.publisher.id}/revenue`;
    const [{ total }, { charged, settled }] = await Promise.all([
      api.get<{ total: { counts: { charges: number } } }>(revenue),
      api.balance(),
    ]);
    return { charges: total.counts.charges, charged: sumOf(charged), settled: sumOf(settled) };
  } catch {
    return undefined;
  }
}

/** Rows that stand for one charge, as ClickHouse itself has them, in this publisher's facts. */
async function chargedFacts(url: string): Promise<{ rows: number; charges: number }> {
  const warehouse = await openWarehouse({ url }, { directory: '' });
  try {
    const [found] = await warehouse.query<{ n: string; charges: string }>(
      `SELECT count() AS n, uniqExact(subject) AS charges FROM facts FINAL
       WHERE publisher = {publisher:String} AND measure = 'charged'`,
      { publisher: separatePublisher },
    );
    return {
      rows: Number.parseInt(found?.n ?? '0', 10),
      charges: Number.parseInt(found?.charges ?? '0', 10),
    };
  } finally {
    await warehouse.close();
  }
}

/** Waits until API and rows are as the ledger says. The load must have stopped. */
export async function booksAgree({ platform, limitMs }: FaultContext): Promise<Books> {
  const run = await platform.run();
  const eventually = { timeout: limitMs(60_000), interval: 250 };
  const difference = async () => {
    const [api, ledger] = [await apiBooks(run), await ledgerBooks(platform.log)];
    return api?.charges === ledger.charges && api.charged === ledger.charged
      ? 'none'
      : { api, ledger };
  };
  await expect.poll(difference, eventually).toBe('none');
  const books = await ledgerBooks(platform.log);
  const { charges } = books;
  const facts = () => chargedFacts(platform.clickHouse.url);
  await expect.poll(facts, eventually).toEqual({ rows: charges, charges });
  return books;
}

/** Waits until every charge is settled; then the chain gave exactly that. The load has stopped. */
export async function settledOnce({ platform, limitMs }: FaultContext): Promise<Books> {
  const { charged, ended } = platform.watch;
  const eventually = { timeout: limitMs(60_000), interval: 250 };
  const open = () => [...charged].filter((id) => !ended.has(id)).length;
  await expect.poll(open, eventually).toBe(0);
  const figures = async () => {
    const { settled } = await ledgerBooks(platform.log);
    return { settled, onChain: await onChain(platform) };
  };
  const { charged: amount } = await ledgerBooks(platform.log);
  await expect.poll(figures, eventually).toEqual({ settled: amount, onChain: amount });
  return ledgerBooks(platform.log);
}

/** What stands at the publisher's address, at the head. */
export async function onChain(platform: FaultPlatform): Promise<bigint> {
  const { chain, publisher } = await platform.run();
  return usdcBalance(chain, publisher.payTo);
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
