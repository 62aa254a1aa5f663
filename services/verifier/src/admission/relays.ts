import type { DataOf } from '@paycrawl/events/definition';
import type { AnyEvent } from '@paycrawl/events/event';
import type { ChargeSettled, ChargeUncollectible } from '@paycrawl/events/payments';
import { setAccount } from './account.js';
import { forgetAtMsOf } from './post.js';
import {
  type Admission,
  type AdmissionView,
  account,
  admissionKey,
  type ChargeEnd,
  type Remnant,
} from './state.js';
import { wantFunds } from './want.js';

type Relayed = Extract<
  AnyEvent,
  {
    type:
      | 'ChargeInFlight'
      | 'ChargeReturned'
      | 'ChargeSettled'
      | 'ChargeUncollectible'
      | 'GasSpent';
  }
>;

/** What settlement says goes on to `decisions`, and from there to the ledger. */
export function onRelayed(view: AdmissionView, event: Relayed): void {
  switch (event.type) {
    case 'ChargeSettled':
      onSettled(view, event.data);
      break;
    case 'ChargeUncollectible':
      onUncollectible(view, event.data);
      break;
    case 'ChargeInFlight':
    case 'ChargeReturned':
    case 'GasSpent':
      break;
    default:
      event satisfies never;
  }
  const key = event.type === 'GasSpent' ? event.data.signer : event.data.payer;
  const { type, data } = event;
  view.emit({ topic: 'decisions', key, type, data } as Parameters<typeof view.emit>[0]);
}

/** The obligation leaves the sum at an observation at or after the block of its transfer. */
function onSettled(view: AdmissionView, settled: DataOf<typeof ChargeSettled>): void {
  const { transactionHash, blockNumber } = settled;
  const proof = end(view, settled.chargeId, { kind: 'settled', transactionHash });
  if (proof === undefined) return;
  const amount = BigInt(proof.amount);
  const payer = account(view, proof);
  const isSeen = payer.funds !== undefined && payer.funds.blockNumber >= blockNumber;
  const leaving = isSeen ? payer.leaving : [...payer.leaving, { amount, blockNumber }];
  setAccount(view, proof, { ...payer, unsettled: payer.unsettled - amount, leaving });
  if (!isSeen) wantFunds(view, proof);
}

/** Delivered and never paid: it counts against the payer's limit. */
function onUncollectible(view: AdmissionView, lost: DataOf<typeof ChargeUncollectible>): void {
  const proof = end(view, lost.chargeId, { kind: 'uncollectible', reason: lost.reason });
  if (proof === undefined) return;
  const amount = BigInt(proof.amount);
  const payer = account(view, proof);
  const unsettled = payer.unsettled - amount;
  setAccount(view, proof, { ...payer, unsettled, losses: payer.losses + amount });
}

/** Marks the end of a charge; undefined when it is no open charge. */
function end(view: AdmissionView, chargeId: string, how: ChargeEnd): Remnant | undefined {
  const admission = view.get<Admission>(admissionKey(chargeId));
  if (admission?.status !== 'charged' || admission.end !== undefined) return undefined;
  view.set(admissionKey(chargeId), { ...admission, end: how } satisfies Admission);
  const forgetAtMs = forgetAtMsOf(view, admission.proof, admission);
  view.setTimer(admissionKey(chargeId), forgetAtMs);
  return admission.proof;
}
