import type { ErrorCode } from '@paycrawl/errors/catalogue';
import { catalogue } from '@paycrawl/errors/catalogue';
import type { AdmissionView, ChargeEnd, Lease, Proof, Request } from './state.js';
import { leaseId } from './state.js';

/** Building blocks of the decisions; each copies exactly the fields that its event declares. */

/**
 * One literal, and `Object.assign` adds to it where it is used: this runs several times for every
 * crawl, and an object literal that goes on after a spread of it costs a hundred times as much.
 */
export function factsOf(proof: Proof) {
  return {
    chargeId: proof.chargeId,
    payer: proof.payer,
    publisherId: proof.publisherId,
    network: proof.network,
    asset: proof.asset,
    amount: proof.amount,
    method: proof.method,
    host: proof.host,
    path: proof.path,
    crawler: proof.crawler,
    ruleId: proof.ruleId,
    ruleVersion: proof.ruleVersion,
    dialect: proof.dialect,
    kind: proof.kind,
  };
}

/** The same, and the challenge that it answers where the proof names one. */
export function challengedFactsOf(
  proof: Proof,
): ReturnType<typeof factsOf> & { challengeId?: string } {
  const { challengeId } = proof;
  const facts = factsOf(proof);
  return challengeId === undefined ? facts : Object.assign(facts, { challengeId });
}

interface AcceptedHold {
  readonly expiresAtMs: number;
  readonly trace: string | undefined;
}

export function emitAccepted(
  view: AdmissionView,
  proof: Proof,
  lease: Lease,
  { expiresAtMs: holdExpiresAtMs, trace }: AcceptedHold,
): void {
  view.emit({
    topic: 'decisions',
    key: proof.payer,
    trace,
    type: 'PaymentAccepted',
    data: Object.assign(challengedFactsOf(proof), {
      requestId: lease.requestId,
      ingressId: lease.ingressId,
      leaseId: leaseId(proof.chargeId, lease.number),
      leaseMs: lease.untilMs - view.nowMs,
      holdExpiresAtMs,
    }),
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
    trace: request.trace,
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
    trace: request.trace,
    type: 'PaymentRejected',
    data: Object.assign(challengedFactsOf(proof), {
      requestId: request.requestId,
      ingressId: request.ingressId,
      code,
      retryable: catalogue[code].retryable,
    }),
  });
}
