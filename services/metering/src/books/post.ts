import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventOfType, Mutable } from '@paycrawl/events/event';
import type { LogOutput, View } from '@paycrawl/fold/fold';
import { balancedTransaction, type Entry, type Moment, sumOf } from '@paycrawl/ledger/transaction';
import { formatAtomic } from '@paycrawl/money/money';
import {
  type AccountTotals,
  accountKey,
  type BooksAsset,
  type ChargeRef,
  noTotals,
  sumKey,
} from './state.js';

/** What a transaction carries beside its entries: whose it is, and of which charge. */
export type TransactionOf = Pick<ChargeRef, 'publisherId' | 'kind'> &
  Partial<Pick<ChargeRef, 'chargeId' | 'payer'>>;

/** Posts one moment: entries into the totals, one `LedgerPosted` out, the sums checked. */
export function post(
  view: View<LogOutput>,
  key: string,
  asset: BooksAsset,
  moment: Moment,
  of?: TransactionOf,
): void {
  const entries = balancedTransaction(moment);
  for (const entry of entries) addToAccount(view, accountKey(asset, entry.account), entry);
  addToSum(view, asset, entries);
  view.emit({
    topic: 'ledger',
    key,
    type: 'LedgerPosted',
    data: postedData(asset, moment, entries, of),
  });
}

type LedgerData = EventOfType<'LedgerPosted'>['data'];

function postedData(
  { network, asset }: BooksAsset,
  { moment, amount }: Moment,
  entries: readonly Entry[],
  of: TransactionOf | undefined,
): LedgerData {
  const text = formatAtomic(amount);
  const written = entries.map((entry) => ({
    account: entry.account,
    side: entry.side,
    // Of the moments that there are, all entries have one amount.
    amount: entry.amount === amount ? text : formatAtomic(entry.amount),
  }));
  const data: Mutable<LedgerData> = { moment, network, asset, entries: written };
  if (of === undefined) return data;
  if (of.chargeId !== undefined) data.chargeId = of.chargeId;
  if (of.payer !== undefined) data.payer = of.payer;
  data.publisherId = of.publisherId;
  data.kind = of.kind;
  return data;
}

function addToAccount(view: View<LogOutput>, key: string, entry: Entry): void {
  const { debit, credit } = view.get<AccountTotals>(key) ?? noTotals;
  const isDebit = entry.side === 'debit';
  view.set(key, {
    debit: isDebit ? debit + entry.amount : debit,
    credit: isDebit ? credit : credit + entry.amount,
  });
}

/** Σ debits = Σ credits at every position: the books stop where they would not hold. */
function addToSum(view: View<LogOutput>, asset: BooksAsset, entries: readonly Entry[]): void {
  const key = sumKey(asset);
  const before = view.get<AccountTotals>(key) ?? noTotals;
  const added = sumOf(entries);
  const after = { debit: before.debit + added.debit, credit: before.credit + added.credit };
  if (after.debit !== after.credit) {
    throw fail('ledger_unbalanced', `${key}: debits ${after.debit}, credits ${after.credit}`);
  }
  view.set(key, after);
}
