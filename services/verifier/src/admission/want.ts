import {
  type Account,
  type Admission,
  type AdmissionView,
  accountKey,
  admissionKey,
  type Wanted,
  wantedKey,
} from './state.js';

/** Asks for an observation; one question per payer and asset stands at a time. */
export function wantFunds(
  view: AdmissionView,
  of: { payer: string; network: string; asset: string },
): void {
  const key = wantedKey(of.payer, of.asset);
  if (view.get(key) !== undefined) return;
  const { payer, network, asset } = of;
  view.set(key, { payer, network, asset, sinceMs: view.nowMs } satisfies Wanted);
  view.emit({
    topic: 'decisions',
    key: payer,
    type: 'FundsRequested',
    data: { payer, network, asset, nonces: waitingNonces(view, of) },
  });
}

/** The nonces whose state on chain is asked together with the balance. */
export function waitingNonces(
  view: { get<Value>(key: string): Value | undefined },
  of: { payer: string; asset: string },
): string[] {
  const { waiting } = view.get<Account>(accountKey(of.payer, of.asset)) ?? { waiting: [] };
  return waiting.flatMap((chargeId) => {
    const admission = view.get<Admission>(admissionKey(chargeId));
    return admission?.status === 'waiting' ? [admission.proof.authorization.nonce] : [];
  });
}
