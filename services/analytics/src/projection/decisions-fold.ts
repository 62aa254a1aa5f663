import type { AnyEvent, EventOfType, Mutable } from '@paycrawl/events/event';
import type { CrawlStatus } from '../routes/api-types.js';
import { assetId, atomicOf } from './assets.js';
import type { BatchCharge } from './batch.js';
import { endingKey } from './bucket-keys.js';
import { type Crawl, crawlKey, isBooked, keptAfterEndMs } from './crawl.js';
import { type ProjectionView, projectionFold } from './projection-fold.js';
import { count, type Measure } from './totals.js';

type Data<Type extends AnyEvent['type']> = EventOfType<Type>['data'];
type WithRequest = Data<
  'PaymentAccepted' | 'PaymentRejected' | 'ChargePosted' | 'HoldReleased' | 'LossPosted'
>;
type Changing = Mutable<Crawl>;
type InBatch = Data<'ChargeInFlight' | 'ChargeReturned' | 'ChargeSettled' | 'ChargeUncollectible'>;

/** One payer's crawls from acceptance to the end of the money, all in one partition. */
export const decisionsFold = projectionFold('decisions', (view, event: AnyEvent) => {
  switch (event.type) {
    case 'PaymentAccepted':
      return accepted(view, event.data);
    case 'PaymentRejected':
      return rejected(view, event.data);
    case 'ChargePosted':
      return charged(view, event.data);
    case 'HoldReleased':
      return released(view, event.data);
    case 'LossPosted':
      return lost(view, event.data);
    case 'ChargeInFlight':
      return inFlight(view, event.data);
    case 'ChargeReturned':
      return returned(view, event.data);
    case 'ChargeSettled':
      return settled(view, event.data);
    case 'ChargeUncollectible':
      return uncollectible(view, event.data);
    default:
      return;
  }
});

function accepted(view: ProjectionView, data: Data<'PaymentAccepted'>): void {
  countRequest(view, 'accepted', data, '');
  const crawl = crawlOf(view, data);
  if (!isBooked(crawl)) save(view, opened(crawl, 'pending'));
}

function rejected(view: ProjectionView, data: Data<'PaymentRejected'>): void {
  // Nothing was decided about the proof: it is presented again to the next generation.
  if (data.code === 'generation_closed') return;
  countRequest(view, 'rejected', data, data.code);
  const known = view.get<Crawl>(`c/${data.chargeId}`);
  // A repeat of a proof that is being decided or was charged is another answer to the same crawl.
  if (known !== undefined && (isBooked(known) || known.status === 'pending')) return;
  save(view, ended(view, crawlOf(view, data), 'rejected', data.code));
}

function charged(view: ProjectionView, data: Data<'ChargePosted'>): void {
  countRequest(view, 'charged', data, data.outcome);
  save(view, opened(crawlOf(view, data), 'charged'));
}

function released(view: ProjectionView, data: Data<'HoldReleased'>): void {
  const code = data.outcome ?? data.reason;
  countRequest(view, 'released', data, code);
  const crawl = crawlOf(view, data);
  if (!isBooked(crawl)) save(view, ended(view, crawl, 'released', code));
}

function lost(view: ProjectionView, data: Data<'LossPosted'>): void {
  countRequest(view, 'lost', data, data.outcome);
  const crawl = crawlOf(view, data);
  if (!isBooked(crawl)) save(view, ended(view, crawl, 'uncollectible', data.reason));
}

function inFlight(view: ProjectionView, data: Data<'ChargeInFlight'>): void {
  const { chargeId, batchId } = data;
  const batchAtMs = view.nowMs;
  emitBatchCharge(view, batchCharge(data, batchId, batchAtMs, { outcome: 'in_flight' }));
  const crawl = view.get<Crawl>(`c/${chargeId}`);
  if (crawl !== undefined) save(view, inBatch(crawl, batchId, batchAtMs));
}

function returned(view: ProjectionView, data: Data<'ChargeReturned'>): void {
  const crawl = view.get<Crawl>(`c/${data.chargeId}`);
  const batchAtMs = crawl?.batchAtMs ?? view.nowMs;
  const end = { outcome: 'returned', code: data.reason } as const;
  emitBatchCharge(view, batchCharge(data, data.batchId, batchAtMs, end));
  if (crawl !== undefined) save(view, inBatch(crawl, '', undefined));
}

function settled(view: ProjectionView, data: Data<'ChargeSettled'>): void {
  const crawl = view.get<Crawl>(`c/${data.chargeId}`);
  const code = data.paidElsewhere ? 'paid_elsewhere' : '';
  countCharge(view, 'settled', data, crawl, code);
  const { batchId, transactionHash: transaction, blockNumber: block } = data;
  const end = { outcome: 'settled', code, transaction, block } as const;
  emitBatchCharge(view, batchCharge(data, batchId, crawl?.batchAtMs ?? view.nowMs, end));
  if (crawl === undefined) return;
  const paid = ended(view, crawl, 'settled', code);
  paid.batchId = batchId;
  paid.transaction = transaction;
  save(view, paid);
}

function uncollectible(view: ProjectionView, data: Data<'ChargeUncollectible'>): void {
  const crawl = view.get<Crawl>(`c/${data.chargeId}`);
  const code = data.reason;
  countCharge(view, 'uncollectible', data, crawl, code);
  if (data.batchId !== undefined) {
    const end = { outcome: 'uncollectible', code } as const;
    const batchAtMs = crawl?.batchAtMs ?? view.nowMs;
    emitBatchCharge(view, batchCharge(data, data.batchId, batchAtMs, end));
  }
  if (crawl !== undefined) save(view, ended(view, crawl, 'uncollectible', code));
}

function countRequest(
  view: ProjectionView,
  measure: Measure,
  data: WithRequest,
  code: string,
): void {
  count(view, {
    measure,
    publisher: data.publisherId,
    crawler: data.crawler,
    dialect: data.dialect,
    path: data.path,
    asset: assetId(data.network, data.asset),
    amount: atomicOf(data.amount),
    subject: data.chargeId,
    code,
  });
}

/** Settlement's events name the charge; crawler and path come from what was posted. */
function countCharge(
  view: ProjectionView,
  measure: Measure,
  data: InBatch,
  crawl: Crawl | undefined,
  code: string,
): void {
  count(view, {
    measure,
    publisher: data.publisherId,
    crawler: crawl?.crawler ?? '',
    dialect: crawl?.dialect ?? '',
    path: crawl?.path ?? '',
    asset: assetId(data.network, data.asset),
    amount: atomicOf(data.amount),
    subject: data.chargeId,
    code,
  });
}

function crawlOf(view: ProjectionView, data: WithRequest): Crawl {
  const known = view.get<Crawl>(`c/${data.chargeId}`);
  if (known !== undefined) return known;
  return {
    id: data.chargeId,
    publisher: data.publisherId,
    atMs: view.nowMs,
    method: data.method,
    host: data.host,
    path: data.path,
    crawler: data.crawler,
    payer: data.payer,
    dialect: data.dialect,
    status: 'pending',
    code: '',
    asset: assetId(data.network, data.asset),
    amount: atomicOf(data.amount),
    challengeId: 'challengeId' in data ? (data.challengeId ?? '') : '',
    chargeId: data.chargeId,
    batchId: '',
    transaction: '',
    batchAtMs: undefined,
    endsAtMs: undefined,
  };
}

// Copies are changed in place before they are saved: an object that a spread adds properties to
// costs many times as much, and each crawl has several states.

/** Something can still happen to it. */
function opened(crawl: Crawl, status: 'pending' | 'charged'): Crawl {
  const copy: Changing = { ...crawl };
  copy.status = status;
  copy.code = '';
  copy.endsAtMs = undefined;
  return copy;
}

function ended(view: ProjectionView, crawl: Crawl, status: CrawlStatus, code: string): Changing {
  const copy: Changing = { ...crawl };
  copy.status = status;
  copy.code = code;
  copy.endsAtMs = view.nowMs + keptAfterEndMs;
  return copy;
}

function inBatch(crawl: Crawl, batchId: string, batchAtMs: number | undefined): Crawl {
  const copy: Changing = { ...crawl };
  copy.batchId = batchId;
  copy.batchAtMs = batchAtMs;
  return copy;
}

function save(view: ProjectionView, crawl: Crawl): void {
  view.set(`c/${crawl.id}`, crawl);
  if (crawl.endsAtMs !== undefined) view.set(`x/${endingKey(crawl.endsAtMs)}/${crawl.id}`, true);
  view.emit({ table: 'crawls', key: crawlKey(crawl), crawl });
}

function batchCharge(
  data: InBatch,
  batchId: string,
  batchAtMs: number,
  end: Pick<BatchCharge, 'outcome'> & Partial<BatchCharge>,
): BatchCharge {
  const { outcome, code = '', transaction = '', block = 0 } = end;
  return {
    publisher: data.publisherId,
    batchAtMs,
    batchId,
    chargeId: data.chargeId,
    payer: data.payer,
    asset: assetId(data.network, data.asset),
    amount: atomicOf(data.amount),
    outcome,
    code,
    transaction,
    block,
  };
}

function emitBatchCharge(view: ProjectionView, charge: BatchCharge): void {
  const key = `${charge.batchAtMs}/${charge.batchId}/${charge.chargeId}`;
  view.emit({ table: 'batch_charges', key, charge });
}
