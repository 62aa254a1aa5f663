import { normalSideOf, type Purpose } from '@paycrawl/ledger/account';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import type { Balance } from '../routes/api-types.js';
import { type AssetBook, moniesOf } from './asset-book.js';
import { groupBy } from './group-by.js';
import { isoOf } from './period.js';

interface LedgerSum {
  readonly moment: string;
  readonly account: Purpose;
  readonly asset: string;
  readonly debits: string;
  readonly credits: string;
  readonly posted_at_ms: string;
}

/** What the ledger says about one publisher; nothing here is computed from crawls. */
export async function readBalance(
  { warehouse, assets }: { readonly warehouse: Warehouse; readonly assets: AssetBook },
  publisher: string,
): Promise<Balance> {
  const sums = await warehouse.query<LedgerSum>(
    `SELECT moment, account, asset, sum(debits) AS debits, sum(credits) AS credits,
       toUnixTimestamp64Milli(max(posted_at)) AS posted_at_ms
     FROM ledger_totals FINAL WHERE publisher = {publisher:String}
     GROUP BY moment, account, asset`,
    { publisher },
  );
  const payable = sums.filter(({ account }) => isPayable(account));
  const debited = (moments: readonly string[]) =>
    payable
      .filter(({ moment }) => moments.includes(moment))
      .map(({ asset, debits }) => [asset, BigInt(debits)] as const);
  const asOfMs = Math.max(0, ...sums.map((sum) => Number(sum.posted_at_ms)));
  return {
    publisher,
    asOf: sums.length === 0 ? null : isoOf(asOfMs),
    charged: moniesOf(
      assets,
      payable.map(({ asset, credits }) => [asset, BigInt(credits)] as const),
    ),
    settled: moniesOf(assets, debited(['charge_settled'])),
    uncollectible: moniesOf(assets, debited(['charge_uncollectible', 'loss_posted'])),
    owed: moniesOf(
      assets,
      payable.map(({ asset, credits, debits }) => [asset, BigInt(credits) - BigInt(debits)]),
    ),
    accounts: accountsOf(assets, sums),
  };
}

/** Facilitated charges clear through the account of their API key instead of a payable. */
export function isPayable(account: string): boolean {
  return account === 'publisher_payable' || account === 'clearing';
}

function accountsOf(assets: AssetBook, sums: readonly LedgerSum[]): Balance['accounts'] {
  const groups = groupBy(sums, ({ account, asset }) => `${account}\n${asset}`);
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, group]) => {
      const [account = '', asset = ''] = key.split('\n');
      const debits = group.reduce((sum, row) => sum + BigInt(row.debits), 0n);
      const credits = group.reduce((sum, row) => sum + BigInt(row.credits), 0n);
      const isDebit = normalSideOf(account as Purpose) === 'debit';
      return {
        account,
        debits: assets.money(asset, debits),
        credits: assets.money(asset, credits),
        balance: assets.money(asset, isDebit ? debits - credits : credits - debits),
      };
    });
}
