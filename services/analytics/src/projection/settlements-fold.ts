import type { AnyEvent, EventOfType } from '@paycrawl/events/event';
import { assetId, atomicOf, nativeAssetId } from './assets.js';
import type { Batch } from './batch.js';
import { type ProjectionView, projectionFold } from './projection-fold.js';

export const settlementsFold = projectionFold('settlements', (view, event: AnyEvent) => {
  switch (event.type) {
    case 'BatchSealed':
      return sealed(view, event.data);
    case 'BatchSubmitted':
      return submitted(view, event.data);
    case 'BatchConfirmed':
      return confirmed(view, event.data);
    case 'BatchLost':
      return change(view, event.data.batchId, (batch) => ({ ...batch, status: 'lost' }));
    default:
      return;
  }
});

function sealed(view: ProjectionView, data: EventOfType<'BatchSealed'>['data']): void {
  save(view, {
    id: data.batchId,
    sealedAtMs: view.nowMs,
    status: 'sealed',
    asset: assetId(data.network, data.asset),
    gasAsset: nativeAssetId(data.network),
    amount: atomicOf(data.amount),
    charges: data.chargeIds.length,
    attempts: 0,
    transaction: '',
    block: 0,
    gasCost: 0n,
  });
}

function submitted(view: ProjectionView, data: EventOfType<'BatchSubmitted'>['data']): void {
  change(view, data.batchId, (batch) => ({
    ...batch,
    status: 'submitted',
    submittedAtMs: batch.submittedAtMs ?? view.nowMs,
    attempts: data.attempt,
    transaction: data.transactionHash,
  }));
}

function confirmed(view: ProjectionView, data: EventOfType<'BatchConfirmed'>['data']): void {
  change(view, data.batchId, (batch) => ({
    ...batch,
    status: 'confirmed',
    confirmedAtMs: view.nowMs,
    transaction: data.transactionHash,
    block: data.blockNumber,
    gasCost: atomicOf(data.gasCostWei),
  }));
}

function change(view: ProjectionView, batchId: string, next: (batch: Batch) => Batch): void {
  const batch = view.get<Batch>(`b/${batchId}`);
  if (batch !== undefined) save(view, next(batch));
}

/** A batch that is confirmed or lost stays so: its state is not needed any more. */
function save(view: ProjectionView, batch: Batch): void {
  const key = `b/${batch.id}`;
  if (batch.status === 'confirmed' || batch.status === 'lost') view.delete(key);
  else view.set(key, batch);
  view.emit({ table: 'batches', key, batch });
}
