import type { ErrorCode } from '@paycrawl/errors/catalogue';
import type { DataOf } from '@paycrawl/events/definition';
import { type AnyEvent, encodeEvent, type PaymentEvent } from '@paycrawl/events/event';
import type { AdmissionSettingsChanged } from '@paycrawl/events/payments';
import { physicalTopic } from '@paycrawl/events/topics';
import type { Fold, InputPosition } from '@paycrawl/fold/fold';
import { onProof } from './admit.js';
import { onFundsObserved } from './funds.js';
import { onDelivered, onDeliveryStarted, onNotDelivered, onTimer } from './outcomes.js';
import { onRelayed } from './relays.js';
import { type AdmissionOutput, type AdmissionView, type Settings, settings } from './state.js';

const timersPerRecordMax = 10_000;

/** Admission: `payments[p]` → `decisions[p]`. The order of the records is the decision. */
export const admission: Fold<AdmissionOutput> = {
  name: 'verifier',
  input: 'payments',
  apply(view, event, position) {
    const payment = event as PaymentEvent;
    if (isKeptWhileParked(view, payment)) return keep(view, payment, position);
    decide(view, payment, position);
  },
  park(view, event, position, code) {
    const payer = payerOf(event as PaymentEvent);
    // What belongs to no payer cannot be parked: the process must stop and be looked at.
    if (payer === undefined) return deadLetter(view, event as PaymentEvent, position, code);
    keep(view, event as PaymentEvent, position);
    if (view.get(`k/${payer}`) !== undefined) return;
    view.set(`k/${payer}`, { code, offset: position.offset });
    view.emit({
      topic: 'decisions',
      key: payer,
      type: 'PayerParked',
      data: { payer, code, offset: position.offset },
    });
  },
};

function decide(view: AdmissionView, event: PaymentEvent, position: InputPosition): void {
  switch (event.type) {
    case 'ProofReceived':
      return onProof(view, event.data);
    case 'DeliveryStarted':
      return remembered(onDeliveryStarted(view, event.data), view, event, position);
    case 'CrawlDelivered':
      return remembered(onDelivered(view, event.data), view, event, position);
    case 'CrawlNotDelivered':
      return remembered(onNotDelivered(view, event.data), view, event, position);
    case 'FundsObserved':
      return onFundsObserved(view, event.data);
    case 'TimePassed':
      return onTimePassed(view);
    case 'AdmissionSettingsChanged':
      return onSettings(view, event.data);
    case 'PayerFrozen':
      return view.set(`f/${event.data.payer}`, { reason: event.data.reason });
    case 'PayerUnfrozen':
      return view.delete(`f/${event.data.payer}`);
    case 'PayerReleased':
      return onReleased(view, event.data.payer, position);
    case 'ChargeInFlight':
    case 'ChargeReturned':
    case 'ChargeSettled':
    case 'ChargeUncollectible':
    case 'GasSpent':
      return onRelayed(view, event);
    default:
      return event satisfies never;
  }
}

/** At most so many timers per record; the rest at the next `TimePassed`, a second later. */
function onTimePassed(view: AdmissionView): void {
  for (const key of view.takeDueTimers(timersPerRecordMax)) {
    onTimer(view, key.slice('n/'.length));
  }
}

function onSettings(view: AdmissionView, change: DataOf<typeof AdmissionSettingsChanged>): void {
  if (change.version <= settings(view).version) return;
  const next: Settings = {
    version: change.version,
    marginS: change.marginS,
    lossLimit: BigInt(change.lossLimit),
    waitingProofsMax: change.waitingProofsMax,
  };
  view.set('s', next);
}

/** An outcome whose nonce is forgotten posts nothing, is counted, and is kept for a look. */
function remembered(
  result: 'done' | 'forgotten',
  view: AdmissionView,
  event: PaymentEvent & { data: { payer: string } },
  position: InputPosition,
): void {
  if (result === 'done') return;
  view.emit({
    topic: 'decisions',
    key: event.data.payer,
    type: 'RecordIgnored',
    data: {
      payer: event.data.payer,
      recordType: event.type,
      offset: position.offset,
      reason: 'nonce_forgotten',
    },
  });
  deadLetter(view, event, position, 'nonce_forgotten');
}

function deadLetter(
  view: AdmissionView,
  event: AnyEvent,
  { partition, offset, key }: InputPosition,
  code: string,
): void {
  const topic = physicalTopic('payments');
  view.emit({
    topic: 'dead-letters',
    key: `${topic}/${partition}`,
    type: 'RecordDeadLettered',
    data: {
      consumer: 'verifier',
      code,
      detail: event.type,
      topic,
      partition,
      offset,
      key,
      valueBase64: encodeEvent(event).toString('base64'),
    },
  });
}

/** While a payer is parked its outcomes wait in order; holds expire and settlement goes on. */
function isKeptWhileParked(view: AdmissionView, event: PaymentEvent): boolean {
  switch (event.type) {
    case 'DeliveryStarted':
    case 'CrawlDelivered':
    case 'CrawlNotDelivered':
      return view.get(`k/${event.data.payer}`) !== undefined;
    default:
      return false;
  }
}

function keep(view: AdmissionView, event: PaymentEvent, { offset }: InputPosition): void {
  const payer = payerOf(event);
  view.set(`kr/${payer}/${String(offset).padStart(16, '0')}`, event);
}

/** A fix is in place: what was kept is folded now, in order. */
function onReleased(view: AdmissionView, payer: string, position: InputPosition): void {
  if (view.get<{ code: ErrorCode }>(`k/${payer}`) === undefined) return;
  view.delete(`k/${payer}`);
  for (const [key, event] of view.range<PaymentEvent>(`kr/${payer}/`)) {
    view.delete(key);
    decide(view, event, position);
  }
}

function payerOf(event: PaymentEvent): string | undefined {
  return 'payer' in event.data ? event.data.payer : undefined;
}
