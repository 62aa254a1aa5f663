import type { AuthorizationEnd, Chain } from '@paycrawl/chain/chain';
import { authorizationEnds } from '@paycrawl/chain/usdc';
import { addressOfPayer } from '@paycrawl/events/ids';
import { rowText } from '@paycrawl/warehouse/row-text';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';

/** What reconciliation asks of the chain. */
export type SettlementChain = Pick<Chain, 'transactionAt'>;

interface SettledRow {
  readonly transaction: `0x${string}`;
  readonly asset: string;
  readonly payers: readonly string[];
  readonly amounts: readonly string[];
}

const transactionsMax = 100;

/**
 * Reads settlement transactions of batches since a time that were not read completely yet, and
 * keeps what their receipts moved for our charges. Returns how many are still open: 0 means that
 * the chain's side is whole.
 */
export async function readChainTransfers(
  warehouse: Warehouse,
  chain: SettlementChain,
  { nowMs, sinceMs }: { readonly nowMs: number; readonly sinceMs: number },
): Promise<number> {
  const rows = await warehouse.query<SettledRow>(
    `SELECT s.transaction AS transaction, s.asset AS asset, s.payers AS payers, s.amounts AS amounts
     FROM (
       SELECT transaction, asset, count() AS charges, groupArray(payer) AS payers,
         groupArray(toString(amount)) AS amounts
       FROM batch_charges FINAL
       WHERE outcome = 'settled' AND batch_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
       GROUP BY transaction, asset
     ) AS s
     LEFT JOIN (SELECT transaction, asset, transfers FROM chain_transfers FINAL) AS c
       ON c.transaction = s.transaction AND c.asset = s.asset
     WHERE c.transfers != s.charges
     ORDER BY s.transaction LIMIT {max:UInt32}`,
    { max: transactionsMax, since: sinceMs },
  );
  let open = 0;
  for (const row of rows) {
    const isWhole = await readTransfers(warehouse, chain, row, nowMs);
    if (!isWhole) open += 1;
  }
  return rows.length === transactionsMax ? Math.max(open, 1) : open;
}

async function readTransfers(
  warehouse: Warehouse,
  chain: SettlementChain,
  row: SettledRow,
  nowMs: number,
): Promise<boolean> {
  const answer = await chain.transactionAt(row.transaction);
  if (answer.outcome !== 'mined') return false;
  const { blockNumber, blockHash, logs } = answer;
  const context = { transactionHash: row.transaction, blockNumber, blockHash };
  const ends = authorizationEnds(tokenOf(row.asset), logs, context);
  const matched = matchTransfers(row, ends);
  await warehouse.insert({
    table: 'chain_transfers',
    columns: ['transaction', 'asset', 'checked_at', 'block', 'transfers', 'amount'],
    rows: rowText([
      [
        ...[row.transaction, row.asset, nowMs, blockNumber, matched.length],
        matched.reduce((sum, value) => sum + value, 0n).toString(),
      ],
    ]),
  });
  return true;
}

/** The amounts of those charges for which the transaction holds a transfer of its own. */
export function matchTransfers(
  { payers, amounts }: Pick<SettledRow, 'payers' | 'amounts'>,
  ends: readonly AuthorizationEnd[],
): bigint[] {
  const transfers = ends.flatMap(({ transfer }) => (transfer === undefined ? [] : [transfer]));
  const matched: bigint[] = [];
  for (const [index, payer] of payers.entries()) {
    const value = BigInt(amounts[index] ?? 0);
    const from = addressOfPayer(payer);
    const found = transfers.findIndex((one) => one.from === from && one.value === value);
    if (found < 0) continue;
    transfers.splice(found, 1);
    matched.push(value);
  }
  return matched;
}

function tokenOf(assetId: string): `0x${string}` {
  return assetId.slice(assetId.indexOf('erc20:') + 'erc20:'.length) as `0x${string}`;
}
