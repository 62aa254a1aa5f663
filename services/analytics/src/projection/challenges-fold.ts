import type { AnyEvent, EventOfType } from '@paycrawl/events/event';
import { assetId, atomicOf } from './assets.js';
import type { Crawl } from './crawl.js';
import { type ProjectionView, projectionFold } from './projection-fold.js';
import { count } from './totals.js';

export const challengesFold = projectionFold('challenges', (view, event: AnyEvent) => {
  switch (event.type) {
    case 'ChallengeIssued':
      return challenged(view, event.data);
    case 'ProofRefused':
      return refused(view, event.data);
    default:
      return;
  }
});

function challenged(view: ProjectionView, data: EventOfType<'ChallengeIssued'>['data']): void {
  const asset = assetId(data.network, data.asset);
  const amount = atomicOf(data.amount);
  count(view, {
    measure: 'challenged',
    publisher: data.publisherId,
    crawler: data.crawler,
    dialect: '',
    path: data.path,
    asset,
    amount,
    subject: data.challengeId,
    code: '',
  });
  const { challengeId } = data;
  const crawl = unpaid(view, data, { id: challengeId, status: 'challenged', asset, amount });
  view.emit({ table: 'crawls', crawl });
}

function refused(view: ProjectionView, data: EventOfType<'ProofRefused'>['data']): void {
  const { publisherId: publisher, requestId, crawler, path, code, dialect = '' } = data;
  // A refused proof names no money that anybody checked.
  const asset = '';
  const amount = 0n;
  const subject = requestId;
  count(view, {
    measure: 'refused',
    publisher,
    crawler,
    dialect,
    path,
    asset,
    amount,
    subject,
    code,
  });
  const crawl = unpaid(view, data, { id: requestId, status: 'refused', asset, amount });
  view.emit({ table: 'crawls', crawl });
}

/** A visit that ended at the till. */
function unpaid(
  view: ProjectionView,
  data: EventOfType<'ChallengeIssued' | 'ProofRefused'>['data'],
  of: Pick<Crawl, 'id' | 'status' | 'asset' | 'amount'>,
): Crawl {
  return {
    id: of.id,
    publisher: data.publisherId,
    atMs: view.nowMs,
    method: data.method,
    host: data.host,
    path: data.path,
    crawler: data.crawler,
    payer: '',
    dialect: 'dialect' in data ? (data.dialect ?? '') : '',
    status: of.status,
    code: 'code' in data ? data.code : '',
    asset: of.asset,
    amount: of.amount,
    challengeId: data.challengeId ?? '',
    chargeId: '',
    batchId: '',
    transaction: '',
    batchAtMs: undefined,
    endsAtMs: undefined,
  };
}
