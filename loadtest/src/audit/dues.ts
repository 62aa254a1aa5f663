import type { ChargeEvent, EventOfType, SettlementEvent } from '@paycrawl/events/event';
import type { ChargeStory } from './charges.js';
import type { Report } from './finding.js';
import type { Seen } from './history.js';

/** Every posted charge is due once, as it was posted, and settles in a batch that holds it. */
export function auditDues(
  records: {
    readonly decisions: readonly Seen[];
    readonly charges: readonly Seen[];
  },
  report: Report,
): void {
  const posted = new Map<string, EventOfType<'ChargePosted'>['data']>();
  for (const { event } of records.decisions) {
    if (event.type === 'ChargePosted') posted.set(event.data.chargeId, event.data);
  }
  const due = new Set<string>();
  for (const { event } of records.charges as readonly (Seen & { event: ChargeEvent })[]) {
    if (event.type !== 'ChargeDue') continue;
    const { chargeId } = event.data;
    if (due.has(chargeId)) report('due_twice', chargeId, event.id);
    due.add(chargeId);
    const charge = posted.get(chargeId);
    if (charge === undefined) report('due_differs', chargeId, 'due, and was never posted');
    else if (!isSame(charge, event.data)) report('due_differs', chargeId, 'not as it was posted');
  }
  for (const chargeId of posted.keys()) {
    if (!due.has(chargeId)) report('due_missing', chargeId, 'posted, and never due');
  }
}

function isSame(
  posted: EventOfType<'ChargePosted'>['data'],
  due: EventOfType<'ChargeDue'>['data'],
): boolean {
  const keys = ['payer', 'network', 'asset', 'amount', 'payTo', 'signature', 'kind'] as const;
  return (
    keys.every((key) => posted[key] === due[key]) &&
    JSON.stringify(posted.authorization) === JSON.stringify(due.authorization)
  );
}

/** The charges of each batch; ids of batches are never given out twice. */
export type Sealed = Map<string, ReadonlySet<string>>;

export function collectBatches(settlements: readonly Seen[], sealed: Sealed): void {
  for (const { event } of settlements as readonly (Seen & { event: SettlementEvent })[]) {
    if (event.type === 'BatchSealed') {
      sealed.set(event.data.batchId, new Set(event.data.chargeIds));
    }
  }
}

export function checkBatches(
  sealed: Sealed,
  stories: ReadonlyMap<string, ChargeStory>,
  report: Report,
): void {
  for (const { chargeId, charge } of stories.values()) {
    const settled = charge?.settledIn;
    // Found paid elsewhere, a charge may end without having been in a batch.
    if (settled === undefined || settled.paidElsewhere) continue;
    if (sealed.get(settled.batchId)?.has(chargeId) === true) continue;
    report('batch_unknown', chargeId, `settled in ${settled.batchId}, which does not hold it`);
  }
}
