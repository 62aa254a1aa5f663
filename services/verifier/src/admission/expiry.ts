import { forgetIdleAccount, setAccount } from './account.js';
import { forgetAtMsOf, release } from './post.js';
import { forgetSpent } from './spent.js';
import {
  type Admission,
  type AdmissionView,
  account,
  admissionKey,
  identifierKey,
  outcomeGraceMs,
  parkedKey,
} from './state.js';
import { endWait } from './wait.js';

/**
 * Log time alone ends waits and holds: what is due ends before anything else is decided about the
 * proof, whether `TimePassed` came already or not. Returns how the proof stands then.
 */
export function expireDue(view: AdmissionView, chargeId: string): Admission | undefined {
  const key = admissionKey(chargeId);
  const admission = view.get<Admission>(key);
  if (admission?.status === 'waiting' && view.nowMs >= admission.untilMs) {
    endWait(view, admission, 'funds_unknown');
    return view.get<Admission>(key);
  }
  if (admission?.status === 'held' && view.nowMs >= admission.expiresAtMs) {
    release(view, admission, 'expired', undefined);
    return view.get<Admission>(key);
  }
  return admission;
}

/**
 * The time of a wait, a hold or a memory may be over; timers that came too early do nothing.
 * Whatever throws here throws before its first write, so that the caller can go on.
 */
export function onTimer(view: AdmissionView, key: string): void {
  if (key.startsWith('p/')) return forgetIdleAccount(view, key);
  const admission = expireDue(view, key.slice('n/'.length));
  if (admission === undefined) return;
  switch (admission.status) {
    case 'waiting':
    case 'held':
      return;
    case 'charged':
      // An open charge keeps its nonce: its end sets the timer.
      if (admission.end === undefined) return;
      return forgetOrWait(view, admission, forgetAtMsOf(view, admission.proof, admission));
    case 'released':
    case 'lost':
      return forgetOrWait(view, admission, admission.forgetAtMs);
    default:
      admission satisfies never;
  }
}

function forgetOrWait(view: AdmissionView, admission: Admission, atMs: number): void {
  const { proof } = admission;
  // Outcomes of a parked payer are still kept aside; its nonces must outlive them.
  const isParked = view.get(parkedKey(proof.payer)) !== undefined;
  if (view.nowMs < atMs) view.setTimer(admissionKey(proof.chargeId), atMs);
  else if (isParked) view.setTimer(admissionKey(proof.chargeId), view.nowMs + outcomeGraceMs);
  else forget(view, admission);
}

function forget(view: AdmissionView, { proof }: Admission): void {
  const payer = account(view, proof);
  setAccount(view, proof, { ...payer, proofs: payer.proofs - 1 });
  view.delete(admissionKey(proof.chargeId));
  forgetSpent(view, proof.chargeId);
  if (proof.paymentId !== undefined) view.delete(identifierKey(proof.payer, proof.paymentId));
}
