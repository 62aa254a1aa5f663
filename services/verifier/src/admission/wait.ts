import type { ErrorCode } from '@paycrawl/errors/catalogue';
import { setAccount } from './account.js';
import { emitRejected } from './emit.js';
import { forgetAtMsOf } from './post.js';
import {
  type Admission,
  type AdmissionView,
  account,
  admissionKey,
  type Proof,
  type Request,
  settings,
} from './state.js';
import { wantFunds } from './want.js';

export type Waiting = Admission & { readonly status: 'waiting' };

/** The proof waits for an observation of its payer's funds. */
export function beginWait(
  view: AdmissionView,
  proof: Proof,
  trace: string | undefined,
  leases: number,
): void {
  const payer = account(view, proof);
  if (payer.waiting.length >= settings(view).waitingProofsMax) {
    return emitRejected(view, proof, proof, 'too_many_waiting_proofs');
  }
  const untilMs = view.nowMs + proof.decideWithinMs;
  const remembered = view.get(admissionKey(proof.chargeId)) === undefined ? 1 : 0;
  setAccount(view, proof, {
    ...payer,
    waiting: [...payer.waiting, proof.chargeId],
    proofs: payer.proofs + remembered,
  });
  const requests = [waitingRequest(proof, trace)];
  const waiting: Waiting = { status: 'waiting', proof, requests, untilMs, leases };
  view.set(admissionKey(proof.chargeId), waiting);
  view.setTimer(admissionKey(proof.chargeId), untilMs);
  wantFunds(view, proof);
}

export function waitingRequest(
  { requestId, ingressId }: Request,
  trace: string | undefined,
): Request {
  return trace === undefined ? { requestId, ingressId } : { requestId, ingressId, trace };
}

/** The wait is over without a hold: nothing is remembered of it. */
export function endWait(view: AdmissionView, waiting: Waiting, code: ErrorCode | undefined): void {
  const { proof, leases, requests } = waiting;
  leaveQueue(view, waiting, leases > 0 ? 0 : 1);
  if (leases > 0) {
    const requestId = undefined;
    const forgetAtMs = forgetAtMsOf(view, proof);
    const released = { status: 'released', proof, leases, requestId, forgetAtMs } as const;
    view.set(admissionKey(proof.chargeId), released satisfies Admission);
    view.setTimer(admissionKey(proof.chargeId), forgetAtMs);
  } else {
    view.delete(admissionKey(proof.chargeId));
  }
  if (code === undefined) return;
  for (const request of requests) emitRejected(view, proof, request, code);
}

/** Takes the proof out of the queue of its payer, and `forgotten` proofs out of the count. */
export function leaveQueue(view: AdmissionView, waiting: Waiting, forgotten: 0 | 1): void {
  const { proof, untilMs } = waiting;
  const payer = account(view, proof);
  setAccount(view, proof, {
    ...payer,
    waiting: payer.waiting.filter((chargeId) => chargeId !== proof.chargeId),
    proofs: payer.proofs - forgotten,
  });
  view.clearTimer(admissionKey(proof.chargeId), untilMs);
}

/** Without the request, the wait goes on for the others that joined it. */
export function leaveWait(view: AdmissionView, waiting: Waiting, requestId: string): void {
  const requests = waiting.requests.filter((request) => request.requestId !== requestId);
  if (requests.length === waiting.requests.length) return;
  if (requests.length === 0) return endWait(view, waiting, undefined);
  view.set(admissionKey(waiting.proof.chargeId), { ...waiting, requests });
}
