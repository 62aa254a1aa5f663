import type { ErrorCode } from '@paycrawl/errors/catalogue';
import { emitAccepted, emitLease, emitRejected } from './emit.js';
import { wantFunds } from './funds.js';
import { postCharge } from './post.js';
import {
  type Account,
  type Admission,
  type AdmissionView,
  account,
  accountKey,
  admissionKey,
  fundsFreshMs,
  fundsRetryMs,
  type Lease,
  obligations,
  type Proof,
  type Request,
  redeliveryMs,
  settings,
  validBeforeMs,
} from './state.js';

/** A proof was presented: decide, let it wait for funds, or answer a repeat. */
export function onProof(view: AdmissionView, proof: Proof): void {
  const known = view.get<Admission>(admissionKey(proof.chargeId));
  const refusal = refusalOfPayer(view, proof) ?? refusalOfIdentifier(view, proof);
  if (refusal !== undefined) return emitRejected(view, proof, proof, refusal);
  if (known === undefined) return admit(view, proof, proof, 0);
  switch (known.status) {
    case 'waiting':
      return joinWait(view, known, proof);
    case 'held':
      return repeatHeld(view, known, proof);
    case 'charged':
      return repeatCharged(view, known, proof);
    case 'released':
      // A late copy of the record that opened the released hold must not open another.
      if (known.requestId === proof.requestId) return;
      return admit(view, proof, proof, known.leases);
    case 'lost':
      return emitRejected(view, proof, proof, 'nonce_already_used');
    default:
      return known satisfies never;
  }
}

function refusalOfPayer(view: AdmissionView, { payer, publisherId }: Proof): ErrorCode | undefined {
  if (view.get(`k/${payer}`) !== undefined) return 'payer_parked';
  if (view.get(`f/${payer}`) !== undefined) return 'payer_frozen';
  if (view.get(`F/${publisherId}`) !== undefined) return 'publisher_frozen';
  return undefined;
}

/** A payment identifier is scoped to the payer: another payload under it is a conflict. */
function refusalOfIdentifier(view: AdmissionView, proof: Proof): ErrorCode | undefined {
  if (proof.paymentId === undefined) return undefined;
  const bound = view.get<{ chargeId: string; payloadHash: string | undefined }>(
    identifierKey(proof.payer, proof.paymentId),
  );
  const differs =
    bound !== undefined &&
    (bound.chargeId !== proof.chargeId || bound.payloadHash !== proof.payloadHash);
  return differs ? 'payment_identifier_conflict' : undefined;
}

export function identifierKey(payer: string, paymentId: string): string {
  return `i/${payer}/${paymentId}`;
}

function joinWait(
  view: AdmissionView,
  waiting: Admission & { status: 'waiting' },
  proof: Proof,
): void {
  if (!sameResource(waiting.proof, proof)) {
    return emitRejected(view, proof, proof, 'nonce_already_used');
  }
  if (waiting.requests.some(({ requestId }) => requestId === proof.requestId)) return;
  if (waiting.requests.length >= settings(view).waitingProofsMax) {
    return emitRejected(view, proof, proof, 'too_many_waiting_proofs');
  }
  const request = { requestId: proof.requestId, ingressId: proof.ingressId };
  const requests = [...waiting.requests, request];
  view.set(admissionKey(proof.chargeId), { ...waiting, requests });
}

function repeatHeld(view: AdmissionView, held: Admission & { status: 'held' }, proof: Proof): void {
  const { lease } = held;
  // The same record appended twice by one writer is no second request.
  if (lease.requestId === proof.requestId) return;
  if (!sameResource(held.proof, proof)) {
    return emitRejected(view, proof, proof, 'nonce_already_used');
  }
  if (lease.started || view.nowMs < lease.untilMs) {
    return emitRejected(view, proof, proof, 'delivery_in_progress');
  }
  const next: Lease = {
    number: lease.number + 1,
    requestId: proof.requestId,
    ingressId: proof.ingressId,
    untilMs: view.nowMs + proof.leaseMs,
    started: false,
  };
  view.set(admissionKey(proof.chargeId), { ...held, lease: next });
  emitLease(view, proof, next, next.number, 'held');
}

function repeatCharged(
  view: AdmissionView,
  charged: Admission & { status: 'charged' },
  proof: Proof,
): void {
  const served = view.nowMs <= charged.chargedAtMs + redeliveryMs;
  if (proof.kind === 'crawl' && served && sameResource(charged.proof, proof)) {
    return emitLease(view, proof, proof, charged.leases, 'charged');
  }
  emitRejected(view, proof, proof, 'nonce_already_used');
}

function sameResource(a: Proof, b: Proof): boolean {
  return a.method === b.method && a.host === b.host && a.path === b.path;
}

/** The proof stands alone now: accept it, let it wait, or reject it. */
function admit(view: AdmissionView, proof: Proof, request: Request, leases: number): void {
  const payer = account(view, proof);
  const verdict = judge(view, proof, payer);
  switch (verdict.kind) {
    case 'accept':
      return accept(view, proof, [request], leases);
    case 'reject':
      return emitRejected(view, proof, request, verdict.code);
    case 'wait':
      return wait(view, proof, request, leases);
    default:
      return verdict satisfies never;
  }
}

type Verdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'reject'; readonly code: ErrorCode };

function judge(view: AdmissionView, proof: Proof, payer: Account): Verdict {
  const { marginS, lossLimit } = settings(view);
  if (validBeforeMs(proof) - marginS * 1000 <= view.nowMs) return reject('payment_expired');
  if (BigInt(proof.authorization.validAfter) * 1000n > BigInt(view.nowMs)) {
    return reject('payment_not_yet_valid');
  }
  if (payer.losses > lossLimit) return reject('payer_loss_limit');
  const { funds } = payer;
  if (funds === undefined) return { kind: 'wait' };
  // USDC asks an account with code, not ecrecover: a recovered signature proves nothing there.
  if (funds.hasCode && proof.signatureCheck.kind === 'recovered') {
    return reject('needs_account_check');
  }
  if (BigInt(proof.amount) <= funds.balance - obligations(payer)) return { kind: 'accept' };
  return view.nowMs - funds.observedAtMs < fundsRetryMs
    ? reject('insufficient_funds')
    : { kind: 'wait' };
}

function reject(code: ErrorCode): Verdict {
  return { kind: 'reject', code };
}

/** The amount is held from here to the end of the hold; a facilitated proof is posted at once. */
function accept(
  view: AdmissionView,
  proof: Proof,
  requests: readonly Request[],
  leases: number,
): void {
  const [first, ...others] = requests;
  if (first === undefined) return;
  const payer = account(view, proof);
  const expiresAtMs = validBeforeMs(proof) - settings(view).marginS * 1000;
  const lease: Lease = {
    ...{ requestId: first.requestId, ingressId: first.ingressId },
    number: leases + 1,
    untilMs: view.nowMs + proof.leaseMs,
    started: false,
  };
  const held: Admission = { status: 'held', proof, lease, expiresAtMs };
  const remembered = view.get(admissionKey(proof.chargeId)) === undefined ? 1 : 0;
  view.set(accountKey(proof.payer, proof.asset), {
    ...payer,
    held: payer.held + BigInt(proof.amount),
    proofs: payer.proofs + remembered,
  } satisfies Account);
  view.set(admissionKey(proof.chargeId), held);
  view.setTimer(admissionKey(proof.chargeId), expiresAtMs);
  if (proof.paymentId !== undefined) {
    const { chargeId, payloadHash } = proof;
    view.set(identifierKey(proof.payer, proof.paymentId), { chargeId, payloadHash });
  }
  emitAccepted(view, proof, lease, expiresAtMs);
  for (const other of others) emitRejected(view, proof, other, 'delivery_in_progress');
  if (proof.kind === 'facilitated') {
    postCharge(view, held, { outcome: 'delivered', bytes: 0, requestId: proof.requestId });
  } else if (payer.funds !== undefined && isOld(view, payer.funds.observedAtMs)) {
    wantFunds(view, proof);
  }
}

function isOld(view: AdmissionView, observedAtMs: number): boolean {
  return view.nowMs - observedAtMs > fundsFreshMs;
}

function wait(view: AdmissionView, proof: Proof, request: Request, leases: number): void {
  const payer = account(view, proof);
  if (payer.waiting.length >= settings(view).waitingProofsMax) {
    return emitRejected(view, proof, request, 'too_many_waiting_proofs');
  }
  const untilMs = view.nowMs + proof.decideWithinMs;
  const { requestId, ingressId } = request;
  const remembered = view.get(admissionKey(proof.chargeId)) === undefined ? 1 : 0;
  view.set(admissionKey(proof.chargeId), {
    status: 'waiting',
    proof,
    requests: [{ requestId, ingressId }],
    untilMs,
    leases,
  } satisfies Admission);
  view.setTimer(admissionKey(proof.chargeId), untilMs);
  view.set(accountKey(proof.payer, proof.asset), {
    ...payer,
    waiting: [...payer.waiting, proof.chargeId],
    proofs: payer.proofs + remembered,
  } satisfies Account);
  wantFunds(view, proof);
}

/** Funds are known anew: decide everything that waited, in order of arrival. */
export function decideWaiting(
  view: AdmissionView,
  of: { payer: string; asset: string },
  usedNonces: ReadonlySet<string>,
): void {
  for (const chargeId of account(view, of).waiting) {
    const waiting = view.get<Admission>(admissionKey(chargeId));
    if (waiting?.status !== 'waiting') continue;
    const { proof } = waiting;
    if (usedNonces.has(proof.authorization.nonce)) {
      endWait(view, waiting, 'nonce_already_used');
      continue;
    }
    const verdict = judge(view, proof, account(view, of));
    // A fresh observation answers the question: what still does not fit is refused.
    if (verdict.kind === 'accept') acceptWaiting(view, waiting);
    else endWait(view, waiting, verdict.kind === 'reject' ? verdict.code : 'insufficient_funds');
  }
}

function acceptWaiting(view: AdmissionView, waiting: Admission & { status: 'waiting' }): void {
  leaveQueue(view, waiting);
  accept(view, waiting.proof, waiting.requests, waiting.leases);
}

/** The wait is over without a hold: nothing is remembered of it. */
export function endWait(
  view: AdmissionView,
  waiting: Admission & { status: 'waiting' },
  code: ErrorCode | undefined,
): void {
  const { proof, leases } = waiting;
  leaveQueue(view, waiting);
  if (code !== undefined) {
    for (const request of waiting.requests) emitRejected(view, proof, request, code);
  }
  if (leases > 0) {
    view.set(admissionKey(proof.chargeId), {
      status: 'released',
      proof,
      leases,
      requestId: undefined,
    } satisfies Admission);
    return;
  }
  view.delete(admissionKey(proof.chargeId));
  const payer = account(view, proof);
  view.set(accountKey(proof.payer, proof.asset), { ...payer, proofs: payer.proofs - 1 });
}

function leaveQueue(view: AdmissionView, waiting: Admission & { status: 'waiting' }): void {
  const { proof, untilMs } = waiting;
  const payer = account(view, proof);
  view.set(accountKey(proof.payer, proof.asset), {
    ...payer,
    waiting: payer.waiting.filter((chargeId) => chargeId !== proof.chargeId),
  } satisfies Account);
  view.clearTimer(admissionKey(proof.chargeId), untilMs);
}

/** Without the request, the wait goes on for the others that joined it. */
export function leaveWait(
  view: AdmissionView,
  waiting: Admission & { status: 'waiting' },
  requestId: string,
): void {
  const requests = waiting.requests.filter((request) => request.requestId !== requestId);
  if (requests.length === waiting.requests.length) return;
  if (requests.length === 0) return endWait(view, waiting, undefined);
  view.set(admissionKey(waiting.proof.chargeId), { ...waiting, requests });
}
