import type { AnyEvent, EventOfType } from '@paycrawl/events/event';
import { assetId, atomicOf } from './assets.js';
import { type ProjectionView, projectionFold } from './projection-fold.js';

export const ledgerFold = projectionFold('ledger', (view, event: AnyEvent) => {
  if (event.type === 'LedgerPosted') posted(view, event.data);
});

function posted(view: ProjectionView, data: EventOfType<'LedgerPosted'>['data']): void {
  const { publisherId: publisher = '', moment, chargeId = '' } = data;
  const asset = assetId(data.network, data.asset);
  data.entries.forEach(({ account, side, amount: atomic }, index) => {
    const amount = atomicOf(atomic);
    const entry = { publisher, moment, chargeId, asset, account, side, amount, entry: index };
    view.emit({ table: 'ledger_entries', entry });
    view.postLater(entry);
  });
}
