import type { ErrorCode } from '@paycrawl/errors/catalogue';
import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { DataOf } from '@paycrawl/events/definition';
import { type AnyEvent, encodeEvent, type PaymentEvent } from '@paycrawl/events/event';
import type { AdmissionSettingsChanged } from '@paycrawl/events/payments';
import { physicalTopic } from '@paycrawl/events/topics';
import type { Fold, InputPosition } from '@paycrawl/fold/fold';
import { onProof } from './admit.js';
import { emitRejected } from './emit.js';
import { onTimer } from './expiry.js';
import { onFundsObserved } from './funds.js';
import { type OutcomeResult, onDelivered, onDeliveryStarted, onNotDelivered } from './outcomes.js';
import { onRelayed } from './relays.js';
import {
  type Admission,
  type AdmissionOutput,
  type AdmissionView,
  closedKey,
  frozenKey,
  isClosed,
  parkedKey,
  redeliveryMs,
  type Settings,
  settings,
} from './state.js';

const timersPerRecordMax = 10_000;

/** Admission: `payments[p]` → `decisions[p]`. The order of the records is the decision. */
export const admission: Fold<AdmissionOutput> = {
  name: 'verifier',
  input: 'payments',
  isSeeded: true,
  apply(view, event, position) {
    const payment = event as PaymentEvent;
    if (payment.cause === undefined && isClosed(view)) return refuseWhenClosed(view, payment);
    if (isKeptWhileParked(view, payment)) return keep(view, payment, position);
    decide(view, payment, position);
  },
  park(view, event, position, code) {
    const payment = event as PaymentEvent;
    const payer = payerOf(payment);
    // What belongs to no payer cannot be parked: the process must stop and be looked at.
    if (payer === undefined) throw fail('internal', `${code} in a record without a payer`);
    parkPayer(view, payer, code, position.offset);
    // Who waits for the answer gets one now; a proof folded later would open a hold for nobody.
    if (payment.type === 'ProofReceived') {
      emitRejected(view, payment.data, payment.data, 'payer_parked');
    } else {
      keep(view, payment, position);
    }
  },
};

/**
 * This generation is closed: what the world says from here on is for the next one. Who waits for
 * an answer is told to come again; outcomes are carried over by the migration (ADR 0007).
 */
function refuseWhenClosed(view: AdmissionView, event: PaymentEvent): void {
  if (event.type !== 'ProofReceived') return;
  emitRejected(view, event.data, event.data, 'generation_closed');
}

function parkPayer(view: AdmissionView, payer: string, code: string, offset: number): void {
  if (view.get(parkedKey(payer)) !== undefined) return;
  view.set(parkedKey(payer), { code, offset });
  const data = { payer, code, offset };
  view.emit({ topic: 'decisions', key: payer, type: 'PayerParked', data });
}

function decide(view: AdmissionView, event: PaymentEvent, position: InputPosition): void {
  switch (event.type) {
    case 'ProofReceived':
      return onProof(view, event.data, event.trace);
    case 'DeliveryStarted':
      return remembered(onDeliveryStarted(view, event.data), view, event, position);
    case 'CrawlDelivered':
      return remembered(onDelivered(view, event.data), view, event, position);
    case 'CrawlNotDelivered':
      return remembered(onNotDelivered(view, event.data), view, event, position);
    case 'FundsObserved':
      return onFundsObserved(view, event.data);
    case 'TimePassed':
      return onTimePassed(view, position);
    case 'AdmissionSettingsChanged':
      return onSettings(view, event.data);
    case 'PayerFrozen':
      return view.set(frozenKey(event.data.payer), { reason: event.data.reason });
    case 'PayerUnfrozen':
      return view.delete(frozenKey(event.data.payer));
    case 'PublisherFrozen':
      return view.set(`F/${event.data.publisherId}`, { reason: event.data.reason });
    case 'PublisherUnfrozen':
      return view.delete(`F/${event.data.publisherId}`);
    case 'PayerReleased':
      return onReleased(view, event.data.payer, position);
    case 'ChargeInFlight':
    case 'ChargeReturned':
    case 'ChargeSettled':
    case 'ChargeUncollectible':
    case 'GasSpent':
      return onRelayed(view, event);
    case 'PartitionClosed':
      return view.set(closedKey, position.offset);
    case 'PartitionSeeded':
      // The runtime takes it before any rule sees it.
      return;
    default:
      return event satisfies never;
  }
}

/** At most so many timers per record; the rest at the next `TimePassed`, a second later. */
function onTimePassed(view: AdmissionView, { offset }: InputPosition): void {
  for (const key of view.takeDueTimers(timersPerRecordMax)) {
    try {
      onTimer(view, key);
    } catch (error) {
      if (!(error instanceof PaycrawlError)) throw error;
      // One payer's fault: the others expire, this one is tried again later.
      view.setTimer(key, view.nowMs + redeliveryMs);
      const payer = view.get<Admission>(key)?.proof.payer;
      if (payer !== undefined) parkPayer(view, payer, error.code, offset);
    }
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

/** An outcome that cannot mean anything posts nothing, is counted, and is kept for a look. */
function remembered(
  result: OutcomeResult,
  view: AdmissionView,
  event: PaymentEvent & { data: { payer: string } },
  position: InputPosition,
): void {
  if (result === 'done') return;
  const { payer } = event.data;
  view.emit({
    topic: 'decisions',
    key: payer,
    type: 'RecordIgnored',
    data: { payer, recordType: event.type, offset: position.offset, reason: result },
  });
  deadLetter(view, event, position, result);
}

function deadLetter(
  view: AdmissionView,
  event: AnyEvent,
  { partition, offset, key }: InputPosition,
  code: ErrorCode,
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
      return view.get(parkedKey(event.data.payer)) !== undefined;
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
  if (view.get(parkedKey(payer)) === undefined) return;
  view.delete(parkedKey(payer));
  const prefix = `kr/${payer}/`;
  for (const [key, event] of view.range<PaymentEvent>(prefix)) {
    view.delete(key);
    const offset = Number.parseInt(key.slice(prefix.length), 10);
    decide(view, event, { ...position, offset });
  }
}

function payerOf(event: PaymentEvent): string | undefined {
  return 'payer' in event.data ? event.data.payer : undefined;
}
