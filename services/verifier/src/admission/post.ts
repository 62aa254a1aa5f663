import type { Outcome } from '@paycrawl/events/schema';
import { setAccount } from './account.js';
import { challengedFactsOf, factsOf } from './emit.js';
import {
  type Admission,
  type AdmissionView,
  account,
  admissionKey,
  leasesOf,
  obligations,
  outcomeGraceMs,
  type Proof,
  type Remnant,
  redeliveryMs,
  remnantOf,
  validBeforeMs,
} from './state.js';

export interface Delivery {
  readonly outcome: Outcome;
  readonly bytes: number;
  readonly requestId: string;
  /** Of a request that waited; else the record's own goes on. */
  readonly trace?: string | undefined;
}

/** The hold (or the released proof) becomes a charge: an open obligation until it is settled. */
export function postCharge(
  view: AdmissionView,
  admission: Admission & { status: 'held' | 'released' },
  delivery: Delivery,
): void {
  const { proof } = admission;
  const amount = BigInt(proof.amount);
  const payer = account(view, proof);
  const held = admission.status === 'held' ? payer.held - amount : payer.held;
  setAccount(view, proof, { ...payer, held, unsettled: payer.unsettled + amount });
  const key = admissionKey(proof.chargeId);
  if (admission.status === 'held') view.clearTimer(key, admission.expiresAtMs);
  view.set(key, {
    status: 'charged',
    proof: remnantOf(proof),
    leases: leasesOf(admission),
    chargedAtMs: view.nowMs,
    end: undefined,
  } satisfies Admission);
  view.emit({
    topic: 'decisions',
    key: proof.payer,
    trace: delivery.trace,
    type: 'ChargePosted',
    data: Object.assign(challengedFactsOf(proof), {
      requestId: delivery.requestId,
      payTo: proof.payTo,
      authorization: proof.authorization,
      signature: proof.signature,
      settleAlone: payer.funds?.hasCode ?? true,
      outcome: delivery.outcome,
      bytes: delivery.bytes,
    }),
  });
}

/** The content was delivered but cannot be charged any more: a loss against the payer's limit. */
export function postLoss(
  view: AdmissionView,
  admission: Admission & { status: 'released' },
  delivery: Delivery,
  reason: string,
): void {
  const { proof, leases } = admission;
  const payer = account(view, proof);
  const losses = payer.losses + BigInt(proof.amount);
  const forgetAtMs = forgetAtMsOf(view, proof);
  setAccount(view, proof, { ...payer, losses });
  const lost: Admission = { status: 'lost', proof: remnantOf(proof), leases, forgetAtMs };
  view.set(admissionKey(proof.chargeId), lost);
  view.setTimer(admissionKey(proof.chargeId), forgetAtMs);
  view.emit({
    topic: 'decisions',
    key: proof.payer,
    type: 'LossPosted',
    data: Object.assign(factsOf(proof), {
      requestId: delivery.requestId,
      outcome: delivery.outcome,
      reason,
    }),
  });
}

/** Ends the hold without a charge; the proof may be presented again while it is valid. */
export function release(
  view: AdmissionView,
  held: Admission & { status: 'held' },
  reason: 'not_delivered' | 'abandoned' | 'expired',
  outcome: Outcome | undefined,
): void {
  const { proof, lease } = held;
  const payer = account(view, proof);
  const forgetAtMs = forgetAtMsOf(view, proof);
  setAccount(view, proof, { ...payer, held: payer.held - BigInt(proof.amount) });
  const key = admissionKey(proof.chargeId);
  view.clearTimer(key, held.expiresAtMs);
  view.set(key, {
    status: 'released',
    proof,
    leases: lease.number,
    requestId: lease.requestId,
    forgetAtMs,
  } satisfies Admission);
  view.setTimer(key, forgetAtMs);
  view.emit({
    topic: 'decisions',
    key: proof.payer,
    type: 'HoldReleased',
    data: Object.assign(factsOf(proof), {
      requestId: lease.requestId,
      reason,
      ...(outcome === undefined ? {} : { outcome }),
    }),
  });
}

/** Whether a released proof could still be charged. */
export function isStillGood(
  view: AdmissionView,
  admission: Admission & { status: 'released' },
  marginS: number,
): boolean {
  const payer = account(view, admission.proof);
  if (payer.funds === undefined) return false;
  const inTime = validBeforeMs(admission.proof) - marginS * 1000 > view.nowMs;
  return inTime && BigInt(admission.proof.amount) <= payer.funds.balance - obligations(payer);
}

/**
 * A nonce and how it ended are kept until the latest of `validBefore` plus a grace longer than an
 * ingress can hold an unreported outcome, and delivery + 10 minutes (no delivery can be earlier
 * than now where none was reported). An open charge is kept whatever this says.
 */
export function forgetAtMsOf(
  view: AdmissionView,
  proof: Proof | Remnant,
  charged?: { readonly chargedAtMs: number },
): number {
  const deliveredAtMs = charged?.chargedAtMs ?? view.nowMs;
  return Math.max(validBeforeMs(proof) + outcomeGraceMs, deliveredAtMs + redeliveryMs);
}
