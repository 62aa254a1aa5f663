import type { ErrorCode } from '@paycrawl/errors/catalogue';
import { setAccount } from './account.js';
import { emitAccepted, emitLease, emitRejected } from './emit.js';
import { expireDue } from './expiry.js';
import { postCharge } from './post.js';
import { isSpent, spend } from './spent.js';
import {
  type Account,
  type Admission,
  type AdmissionView,
  account,
  admissionKey,
  type Bound,
  frozenKey,
  fundsFreshMs,
  fundsRetryMs,
  identifierKey,
  type Lease,
  obligations,
  type Proof,
  parkedKey,
  type Remnant,
  type Request,
  redeliveryMs,
  type Settings,
  settings,
  validBeforeMs,
} from './state.js';
import { beginWait, endWait, leaveQueue, type Waiting, waitingRequest } from './wait.js';
import { wantFunds } from './want.js';

/** A proof was presented: decide, let it wait for funds, or answer a repeat. */
export function onProof(view: AdmissionView, proof: Proof, trace?: string): void {
  const known = expireDue(view, proof.chargeId);
  const refusal = refusalOfPayer(view, proof) ?? refusalOfIdentifier(view, proof, known);
  if (refusal !== undefined) return emitRejected(view, proof, proof, refusal);
  if (known === undefined) return admit(view, proof, trace, 0);
  switch (known.status) {
    case 'waiting':
      return joinWait(view, known, proof, trace);
    case 'held':
      return repeatHeld(view, known, proof);
    case 'charged':
      return repeatCharged(view, known, proof);
    case 'released':
      // A late copy of the record that opened the released hold must not open another.
      if (known.requestId === proof.requestId || isSpent(view, proof)) return;
      spend(view, proof.chargeId, known.requestId);
      return admit(view, inheritIdentifier(known.proof, proof), trace, known.leases);
    case 'lost':
      return emitRejected(view, proof, proof, 'nonce_already_used');
    default:
      return known satisfies never;
  }
}

/** What may have changed since the proof came: also asked again when a wait ends. */
function refusalOfPayer(view: AdmissionView, { payer, publisherId }: Proof): ErrorCode | undefined {
  if (view.get(parkedKey(payer)) !== undefined) return 'payer_parked';
  if (view.get(frozenKey(payer)) !== undefined) return 'payer_frozen';
  if (view.get(`F/${publisherId}`) !== undefined) return 'publisher_frozen';
  return undefined;
}

/**
 * A payment identifier is scoped to the payer: another payload under it is a conflict, and so is
 * another identifier for an authorization that has one.
 */
function refusalOfIdentifier(
  view: AdmissionView,
  proof: Proof,
  known: Admission | undefined,
): ErrorCode | undefined {
  if (proof.paymentId === undefined) return undefined;
  const bound = view.get<Bound>(identifierKey(proof.payer, proof.paymentId));
  const differs =
    bound !== undefined &&
    (bound.chargeId !== proof.chargeId || bound.payloadHash !== proof.payloadHash);
  if (differs) return 'payment_identifier_conflict';
  const given = known?.proof.paymentId;
  const isAnother = given !== undefined && given !== proof.paymentId;
  return isAnother ? 'payment_identifier_conflict' : undefined;
}

/** The binding lives as long as the nonce, also when a later presentation does not name it. */
function inheritIdentifier(known: Proof, proof: Proof): Proof {
  if (known.paymentId === undefined || proof.paymentId !== undefined) return proof;
  const { paymentId, payloadHash } = known;
  return { ...proof, paymentId, ...(payloadHash === undefined ? {} : { payloadHash }) };
}

function joinWait(
  view: AdmissionView,
  waiting: Waiting,
  proof: Proof,
  trace: string | undefined,
): void {
  if (waiting.requests.some(({ requestId }) => requestId === proof.requestId)) return;
  if (!isSamePresentation(waiting.proof, proof)) {
    return emitRejected(view, proof, proof, 'nonce_already_used');
  }
  if (waiting.requests.length >= settings(view).waitingProofsMax) {
    return emitRejected(view, proof, proof, 'too_many_waiting_proofs');
  }
  const requests = [...waiting.requests, waitingRequest(proof, trace)];
  view.set(admissionKey(proof.chargeId), { ...waiting, requests });
}

function repeatHeld(view: AdmissionView, held: Admission & { status: 'held' }, proof: Proof): void {
  const { lease, expiresAtMs } = held;
  // The same record appended twice by one writer is no second request.
  if (lease.requestId === proof.requestId || isSpent(view, proof)) return;
  if (!isSamePresentation(held.proof, proof)) {
    return emitRejected(view, proof, proof, 'nonce_already_used');
  }
  if (lease.started || view.nowMs < lease.untilMs) {
    return emitRejected(view, proof, proof, 'delivery_in_progress');
  }
  const next = newLease(view, proof, proof, { number: lease.number + 1, expiresAtMs });
  spend(view, proof.chargeId, lease.requestId);
  view.set(admissionKey(proof.chargeId), { ...held, lease: next });
  const { number } = next;
  emitLease(view, proof, next, { number, leaseMs: next.untilMs - view.nowMs, charge: 'held' });
}

function repeatCharged(
  view: AdmissionView,
  charged: Admission & { status: 'charged' },
  proof: Proof,
): void {
  const { leases, chargedAtMs, end } = charged;
  // What a facilitator was asked to settle is answered as long as it is remembered.
  const isServed = proof.kind === 'facilitated' || view.nowMs <= chargedAtMs + redeliveryMs;
  if (!isServed || !isSamePresentation(charged.proof, proof)) {
    return emitRejected(view, proof, proof, 'nonce_already_used');
  }
  const { leaseMs } = proof;
  emitLease(view, proof, proof, { number: leases, leaseMs, charge: 'charged', end });
}

/** One nonce may be signed over twice: only the same authorization for the same thing repeats. */
function isSamePresentation(a: Proof | Remnant, b: Proof): boolean {
  const [x, y] = [a.authorization, b.authorization];
  return (
    a.kind === b.kind &&
    a.publisherId === b.publisherId &&
    a.method === b.method &&
    a.host === b.host &&
    a.path === b.path &&
    x.to === y.to &&
    x.value === y.value &&
    x.validAfter === y.validAfter &&
    x.validBefore === y.validBefore
  );
}

/** The proof stands alone now: accept it, let it wait, or reject it. */
function admit(view: AdmissionView, proof: Proof, trace: string | undefined, leases: number): void {
  const payer = account(view, proof);
  const inForce = settings(view);
  const verdict = judge(view.nowMs, proof, payer, inForce);
  switch (verdict.kind) {
    case 'accept': {
      // A proof that had a lease is remembered already.
      const remembered = leases > 0 ? 0 : 1;
      return accept(view, proof, payer, {
        requests: [proof],
        leases,
        remembered,
        marginS: inForce.marginS,
      });
    }
    case 'reject':
      return emitRejected(view, proof, proof, verdict.code);
    case 'wait':
      return beginWait(view, proof, trace, leases);
    default:
      return verdict satisfies never;
  }
}

type Verdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'reject'; readonly code: ErrorCode };

function judge(
  nowMs: number,
  proof: Proof,
  payer: Account,
  { marginS, lossLimit }: Settings,
): Verdict {
  if (validBeforeMs(proof) - marginS * 1000 <= nowMs) return reject('payment_expired');
  if (BigInt(proof.authorization.validAfter) * 1000n > BigInt(nowMs)) {
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
  return nowMs - funds.observedAtMs < fundsRetryMs
    ? reject('insufficient_funds')
    : { kind: 'wait' };
}

function reject(code: ErrorCode): Verdict {
  return { kind: 'reject', code };
}

interface Accepted {
  /** Who presented it, in order of arrival. */
  readonly requests: readonly Request[];
  /** Given out before. */
  readonly leases: number;
  /** 1: nothing is remembered of the proof yet. */
  readonly remembered: 0 | 1;
  readonly marginS: number;
}

/** The amount is held from here to the end of the hold; a facilitated proof is posted at once. */
function accept(
  view: AdmissionView,
  proof: Proof,
  payer: Account,
  { requests, leases, remembered, marginS }: Accepted,
): void {
  const [first, ...others] = requests;
  if (first === undefined) return;
  const expiresAtMs = validBeforeMs(proof) - marginS * 1000;
  const lease = newLease(view, proof, first, { number: leases + 1, expiresAtMs });
  const held: Admission = { status: 'held', proof, lease, expiresAtMs };
  const key = admissionKey(proof.chargeId);
  setAccount(view, proof, {
    ...payer,
    held: payer.held + BigInt(proof.amount),
    proofs: payer.proofs + remembered,
  });
  view.set(key, held);
  view.setTimer(key, expiresAtMs);
  if (proof.paymentId !== undefined) {
    const bound: Bound = { chargeId: proof.chargeId, payloadHash: proof.payloadHash };
    view.set(identifierKey(proof.payer, proof.paymentId), bound);
  }
  emitAccepted(view, proof, lease, { expiresAtMs, trace: first.trace });
  if (payer.funds !== undefined && view.nowMs - payer.funds.observedAtMs > fundsFreshMs) {
    wantFunds(view, proof);
  }
  if (proof.kind === 'crawl') {
    for (const other of others) emitRejected(view, proof, other, 'delivery_in_progress');
    return;
  }
  const { requestId, trace } = first;
  postCharge(view, held, { outcome: 'delivered', bytes: 0, requestId, trace });
  const { leaseMs } = proof;
  for (const other of others) {
    emitLease(view, proof, other, { number: lease.number, leaseMs, charge: 'charged' });
  }
}

/** A lease never outlives its hold. */
function newLease(
  view: AdmissionView,
  { leaseMs }: Proof,
  { requestId, ingressId }: Request,
  { number, expiresAtMs }: { number: number; expiresAtMs: number },
): Lease {
  const untilMs = Math.min(view.nowMs + leaseMs, expiresAtMs);
  return { requestId, ingressId, number, untilMs, started: false };
}

/** Funds are known anew: decide everything that waited, in order of arrival. */
export function decideWaiting(
  view: AdmissionView,
  of: { payer: string; asset: string },
  usedNonces: ReadonlySet<string>,
): void {
  for (const chargeId of account(view, of).waiting) {
    const waiting = expireDue(view, chargeId);
    if (waiting?.status !== 'waiting') continue;
    const refusal = refusalOfWaiting(view, waiting, usedNonces);
    if (refusal !== undefined) {
      endWait(view, waiting, refusal);
      continue;
    }
    leaveQueue(view, waiting, 0);
    const { proof, requests, leases } = waiting;
    const { marginS } = settings(view);
    accept(view, proof, account(view, proof), { requests, leases, remembered: 0, marginS });
  }
}

function refusalOfWaiting(
  view: AdmissionView,
  { proof }: Waiting,
  usedNonces: ReadonlySet<string>,
): ErrorCode | undefined {
  const refusal = refusalOfPayer(view, proof) ?? refusalOfIdentifier(view, proof, undefined);
  if (refusal !== undefined) return refusal;
  if (usedNonces.has(proof.authorization.nonce)) return 'nonce_already_used';
  const verdict = judge(view.nowMs, proof, account(view, proof), settings(view));
  if (verdict.kind === 'accept') return undefined;
  // A fresh observation answers the question: what still does not fit is refused.
  return verdict.kind === 'reject' ? verdict.code : 'insufficient_funds';
}
