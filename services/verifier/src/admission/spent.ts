import type { AdmissionView, Proof } from './state.js';

/** Copies of older records than these are not expected any more. */
const requestsMax = 16;

function spentKey(chargeId: string): string {
  return `o/${chargeId}`;
}

/**
 * A request that held this proof before: a late copy of its record must not open or take over what
 * a later request may have.
 */
export function isSpent(view: AdmissionView, { chargeId, requestId }: Proof): boolean {
  return view.get<readonly string[]>(spentKey(chargeId))?.includes(requestId) === true;
}

/** Another request goes on with the proof; few proofs are ever presented again. */
export function spend(view: AdmissionView, chargeId: string, requestId: string | undefined): void {
  if (requestId === undefined) return;
  const key = spentKey(chargeId);
  const before = view.get<readonly string[]>(key) ?? [];
  if (before.includes(requestId)) return;
  view.set(key, [...before, requestId].slice(-requestsMax));
}

export function forgetSpent(view: AdmissionView, chargeId: string): void {
  if (view.get(spentKey(chargeId)) !== undefined) view.delete(spentKey(chargeId));
}
