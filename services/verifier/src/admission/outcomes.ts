import type { DataOf } from '@paycrawl/events/definition';
import type { CrawlDelivered, CrawlNotDelivered, DeliveryStarted } from '@paycrawl/events/payments';
import { expireDue } from './expiry.js';
import { isStillGood, postCharge, postLoss, release } from './post.js';
import {
  type Admission,
  type AdmissionView,
  admissionKey,
  leaseId,
  leaseNumber,
  leasesOf,
  settings,
} from './state.js';
import { endWait, leaveWait } from './wait.js';

/** Anything but `done` posts nothing, is counted, and is kept for a look. */
export type OutcomeResult = 'done' | 'nonce_forgotten' | 'lease_unknown';

export function onDeliveryStarted(
  view: AdmissionView,
  event: DataOf<typeof DeliveryStarted>,
): OutcomeResult {
  const admission = expireDue(view, event.chargeId);
  if (admission === undefined) return 'nonce_forgotten';
  if (!isGivenOut(admission, event.leaseId)) return 'lease_unknown';
  if (admission.status !== 'held' || !isCurrentLease(admission, event.leaseId)) return 'done';
  const lease = { ...admission.lease, started: true };
  view.set(admissionKey(event.chargeId), { ...admission, lease });
  return 'done';
}

/** Of any lease that was given out: posts the charge once. */
export function onDelivered(
  view: AdmissionView,
  event: DataOf<typeof CrawlDelivered>,
): OutcomeResult {
  const admission = expireDue(view, event.chargeId);
  if (admission === undefined) return 'nonce_forgotten';
  if (!isGivenOut(admission, event.leaseId)) return 'lease_unknown';
  switch (admission.status) {
    case 'held':
      postCharge(view, admission, event);
      return 'done';
    case 'waiting':
      // Presented again after a release, and the first delivery is reported only now.
      endWait(view, admission, 'delivery_in_progress');
      return onDelivered(view, event);
    case 'released':
      if (isStillGood(view, admission, settings(view).marginS)) postCharge(view, admission, event);
      else postLoss(view, admission, event, 'delivered_after_release');
      return 'done';
    case 'charged':
    case 'lost':
      return 'done';
    default:
      return admission satisfies never;
  }
}

/** Counts only for the current lease; `abandoned` ends what its own request opened. */
export function onNotDelivered(
  view: AdmissionView,
  event: DataOf<typeof CrawlNotDelivered>,
): OutcomeResult {
  const admission = expireDue(view, event.chargeId);
  if (event.leaseId === undefined) {
    // Giving up on a proof that opened nothing, or was refused, is no outcome at all.
    if (admission !== undefined) abandon(view, admission, event.requestId);
    return 'done';
  }
  if (admission === undefined) return 'nonce_forgotten';
  if (!isGivenOut(admission, event.leaseId)) return 'lease_unknown';
  if (admission.status === 'held' && isCurrentLease(admission, event.leaseId)) {
    release(view, admission, 'not_delivered', event.outcome);
  }
  return 'done';
}

function abandon(view: AdmissionView, admission: Admission, requestId: string): void {
  if (admission.status === 'waiting') return leaveWait(view, admission, requestId);
  if (admission.status !== 'held') return;
  const { lease } = admission;
  if (lease.requestId === requestId && !lease.started) {
    release(view, admission, 'abandoned', 'abandoned');
  }
}

function isCurrentLease(held: Admission & { status: 'held' }, id: string): boolean {
  return id === leaseId(held.proof.chargeId, held.lease.number);
}

function isGivenOut(admission: Admission, id: string): boolean {
  return leaseNumber(admission.proof.chargeId, id, leasesOf(admission)) !== undefined;
}
