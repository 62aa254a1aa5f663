import type { AnyEvent, EventOfType } from '@paycrawl/events/event';
import { assetId, atomicOf } from './assets.js';
import type { LedgerTotal } from './output.js';
import { type ProjectionView, projectionFold } from './projection-fold.js';

export const ledgerFold = projectionFold('ledger', (view, event: AnyEvent) => {
  if (event.type === 'LedgerPosted') posted(view, event.data);
});

function posted(view: ProjectionView, data: EventOfType<'LedgerPosted'>['data']): void {
  const { publisherId: publisher = '', moment, chargeId = '' } = data;
  const asset = assetId(data.network, data.asset);
  data.entries.forEach(({ account, side, amount: atomic }, entry) => {
    const amount = atomicOf(atomic);
    view.emit({
      table: 'ledger_entries',
      entry: { publisher, moment, chargeId, asset, account, side, amount, entry },
    });
    addToTotal(view, { publisher, moment, asset, account: accountName(account) }, side, amount);
  });
}

/** The name in the chart of accounts, without its owner: `payer_receivable/eip155:…` → the first. */
export function accountName(account: string): string {
  const slash = account.indexOf('/');
  return slash < 0 ? account : account.slice(0, slash);
}

function addToTotal(
  view: ProjectionView,
  of: { publisher: string; moment: string; account: string; asset: string },
  side: 'debit' | 'credit',
  amount: bigint,
): void {
  const key = `l/${encodeURIComponent(of.publisher)}/${of.moment}/${of.account}/${of.asset}`;
  const before = view.get<LedgerTotal>(key) ?? { entries: 0, debits: 0n, credits: 0n };
  const { publisher, moment, account, asset } = of;
  const total: LedgerTotal = {
    publisher,
    moment,
    account,
    asset,
    entries: before.entries + 1,
    debits: side === 'debit' ? before.debits + amount : before.debits,
    credits: side === 'credit' ? before.credits + amount : before.credits,
  };
  view.set(key, total);
  view.emit({ table: 'ledger_totals', key, total });
}
