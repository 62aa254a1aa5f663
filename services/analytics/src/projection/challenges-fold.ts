import type { AnyEvent, EventOfType } from '@paycrawl/events/event';
import { assetId, atomicOf } from './assets.js';
import { type Crawl, crawlKey } from './crawl.js';
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
  const { publisherId: publisher, challengeId, crawler, path } = data;
  const asset = assetId(data.network, data.asset);
  const amount = atomicOf(data.amount);
  const subject = challengeId;
  count(view, {
    measure: 'challenged',
    ...{ publisher, crawler, path, asset, amount, subject },
    dialect: '',
    code: '',
  });
  const { method, host } = data;
  const seen = { publisher, atMs: view.nowMs, method, host, path, crawler };
  const money = { asset, amount, chargeId: '', batchId: '', transaction: '' };
  const crawl: Crawl = {
    ...{ id: challengeId, ...seen, ...money, challengeId },
    payer: '',
    dialect: '',
    status: 'challenged',
    code: '',
  };
  view.emit({ table: 'crawls', key: crawlKey(crawl), crawl });
}

function refused(view: ProjectionView, data: EventOfType<'ProofRefused'>['data']): void {
  const { publisherId: publisher, requestId, crawler, path, code, dialect = '' } = data;
  // A refused proof names no money that anybody checked.
  const none = { asset: '', amount: 0n };
  const request = { publisher, crawler, dialect, path };
  count(view, { measure: 'refused', ...request, ...none, subject: requestId, code });
  const { method, host, challengeId = '' } = data;
  const crawl: Crawl = {
    ...{ id: requestId, ...request, atMs: view.nowMs, method, host, challengeId, code, ...none },
    payer: '',
    status: 'refused',
    chargeId: '',
    batchId: '',
    transaction: '',
  };
  view.emit({ table: 'crawls', key: crawlKey(crawl), crawl });
}
