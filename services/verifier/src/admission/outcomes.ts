import type { DataOf } from '@paycrawl/events/definition';
import type { CrawlDelivered, CrawlNotDelivered, DeliveryStarted } from '@paycrawl/events/payments';
import { endWait, identifierKey, leaveWait } from './admit.js';
import { isStillGood, keepUntilMs, postCharge, postLoss, release } from './post.js';
import {
  type Admission,
  type AdmissionView,
  account,
  accountKey,
  admissionKey,
  leaseId,
  leaseNumber,
  leasesOf,
  obligations,
  settings,
} from './state.js';

export type OutcomeResult = 'done' | 'forgotten';

export function onDeliveryStarted(
  view: AdmissionView,
  event: DataOf<typeof DeliveryStarted>,
): OutcomeResult {
  const admission = view.get<Admission>(admissionKey(event.chargeId));
  if (admission === undefined) return 'forgotten';
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
  const admission = view.get<Admission>(admissionKey(event.chargeId));
  if (admission === undefined) return 'forgotten';
  if (leaseNumber(event.chargeId, event.leaseId, leasesOf(admission)) === undefined) return 'done';
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
  const admission = view.get<Admission>(admissionKey(event.chargeId));
  // Giving up on a proof that opened nothing, or was refused, is no outcome at all.
  if (admission === undefined) return event.leaseId === undefined ? 'done' : 'forgotten';
  if (event.leaseId === undefined) {
    abandon(view, admission, event.requestId);
  } else if (admission.status === 'held' && isCurrentLease(admission, event.leaseId)) {
    release(view, admission, 'not_delivered', event.outcome);
  }
  return 'done';
}

function abandon(view: AdmissionView, admission: Admission, requestId: string): void {
  if (admission.status === 'waiting') leaveWait(view, admission, requestId);
  if (admission.status !== 'held') return;
  const { lease } = admission;
  if (lease.requestId === requestId && !lease.started) {
    release(view, admission, 'abandoned', 'abandoned');
  }
}

function isCurrentLease(held: Admission & { status: 'held' }, id: string): boolean {
  return id === leaseId(held.proof.chargeId, held.lease.number);
}

/** The time of a wait, a hold or a memory is over. */
export function onTimer(view: AdmissionView, chargeId: string): void {
  const admission = view.get<Admission>(admissionKey(chargeId));
  if (admission === undefined) return;
  switch (admission.status) {
    case 'waiting':
      if (view.nowMs >= admission.untilMs) endWait(view, admission, 'funds_unknown');
      return;
    case 'held':
      if (view.nowMs >= admission.expiresAtMs) release(view, admission, 'expired', undefined);
      return;
    case 'charged':
      // An open charge keeps its nonce: its end sets the timer again.
      if (admission.ended) forget(view, admission);
      return;
    case 'released':
    case 'lost':
      forget(view, admission);
      return;
    default:
      admission satisfies never;
  }
}

function forget(view: AdmissionView, admission: Admission): void {
  const { proof } = admission;
  const keepUntil = keepUntilMs(view, admission);
  if (admission.status === 'charged' && view.nowMs < keepUntil) {
    return view.setTimer(admissionKey(proof.chargeId), keepUntil);
  }
  view.delete(admissionKey(proof.chargeId));
  if (proof.paymentId !== undefined) view.delete(identifierKey(proof.payer, proof.paymentId));
  const payer = account(view, proof);
  const proofs = payer.proofs - 1;
  const idle = proofs === 0 && obligations(payer) === 0n && payer.losses === 0n;
  if (idle && payer.waiting.length === 0) view.delete(accountKey(proof.payer, proof.asset));
  else view.set(accountKey(proof.payer, proof.asset), { ...payer, proofs });
}
