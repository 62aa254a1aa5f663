import type { ErrorCode } from '@paycrawl/errors/catalogue';
import { catalogue } from '@paycrawl/errors/catalogue';
import type { AdmissionView, ChargeEnd, Lease, Proof, Request } from './state.js';
import { leaseId } from './state.js';

/** Building blocks of the decisions; each copies exactly the fields that its event declares. */

export function chargeFieldsOf(proof: Proof) {
  const { chargeId, payer, publisherId, network, asset, amount } = proof;
  return { chargeId, payer, publisherId, network, asset, amount };
}

export function requestFieldsOf(proof: Proof) {
  const { method, host, path, crawler, ruleId, ruleVersion, dialect } = proof;
  return { method, host, path, crawler, ruleId, ruleVersion, dialect };
}

export function challengeOf({ challengeId }: Proof) {
  return challengeId === undefined ? {} : { challengeId };
}

export function emitAccepted(
  view: AdmissionView,
  proof: Proof,
  lease: Lease,
  holdExpiresAtMs: number,
): void {
  view.emit({
    topic: 'decisions',
    key: proof.payer,
    type: 'PaymentAccepted',
    data: {
      ...chargeFieldsOf(proof),
      ...requestFieldsOf(proof),
      ...challengeOf(proof),
      kind: proof.kind,
      requestId: lease.requestId,
      ingressId: lease.ingressId,
      leaseId: leaseId(proof.chargeId, lease.number),
      leaseMs: lease.untilMs - view.nowMs,
      holdExpiresAtMs,
    },
  });
}

export interface GrantedLease {
  readonly number: number;
  readonly leaseMs: number;
  readonly charge: 'held' | 'charged';
  readonly end?: ChargeEnd | undefined;
}

export function emitLease(
  view: AdmissionView,
  proof: Proof,
  request: Request,
  { number, leaseMs, charge, end }: GrantedLease,
): void {
  view.emit({
    topic: 'decisions',
    key: proof.payer,
    type: 'LeaseGranted',
    data: {
      requestId: request.requestId,
      ingressId: request.ingressId,
      chargeId: proof.chargeId,
      payer: proof.payer,
      publisherId: proof.publisherId,
      leaseId: leaseId(proof.chargeId, number),
      leaseMs,
      charge,
      ...(end === undefined ? {} : { end }),
    },
  });
}

export function emitRejected(
  view: AdmissionView,
  proof: Proof,
  request: Request,
  code: ErrorCode,
): void {
  view.emit({
    topic: 'decisions',
    key: proof.payer,
    type: 'PaymentRejected',
    data: {
      ...chargeFieldsOf(proof),
      ...requestFieldsOf(proof),
      ...challengeOf(proof),
      kind: proof.kind,
      requestId: request.requestId,
      ingressId: request.ingressId,
      code,
      retryable: catalogue[code].retryable,
    },
  });
}
