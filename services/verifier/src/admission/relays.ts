import type { DataOf } from '@paycrawl/events/definition';
import type { AnyEvent } from '@paycrawl/events/event';
import type { ChargeSettled, ChargeUncollectible } from '@paycrawl/events/payments';
import { wantFunds } from './funds.js';
import { keepUntilMs } from './post.js';
import {
  type Account,
  type Admission,
  type AdmissionView,
  account,
  accountKey,
  admissionKey,
} from './state.js';

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
  if (!end(view, settled.chargeId)) return;
  const amount = BigInt(settled.amount);
  const payer = account(view, settled);
  const isSeen = payer.funds !== undefined && payer.funds.blockNumber >= settled.blockNumber;
  const leaving = isSeen
    ? payer.leaving
    : [...payer.leaving, { amount, blockNumber: settled.blockNumber }];
  view.set(accountKey(settled.payer, settled.asset), {
    ...payer,
    unsettled: payer.unsettled - amount,
    leaving,
  } satisfies Account);
  if (!isSeen) wantFunds(view, settled);
}

/** Delivered and never paid: it counts against the payer's limit. */
function onUncollectible(view: AdmissionView, lost: DataOf<typeof ChargeUncollectible>): void {
  if (!end(view, lost.chargeId)) return;
  const amount = BigInt(lost.amount);
  const payer = account(view, lost);
  view.set(accountKey(lost.payer, lost.asset), {
    ...payer,
    unsettled: payer.unsettled - amount,
    losses: payer.losses + amount,
  } satisfies Account);
}

/** Marks the end of a charge; false when it had ended before. */
function end(view: AdmissionView, chargeId: string): boolean {
  const admission = view.get<Admission>(admissionKey(chargeId));
  if (admission?.status !== 'charged' || admission.ended) return false;
  const ended = { ...admission, ended: true };
  view.set(admissionKey(chargeId), ended);
  view.setTimer(admissionKey(chargeId), keepUntilMs(view, ended));
  return true;
}
