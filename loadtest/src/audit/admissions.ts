import type { AnyEvent, DecisionEvent, EventOfType, PaymentEvent } from '@paycrawl/events/event';
import { addressOfPayer, chargeId as chargeIdOf } from '@paycrawl/events/ids';
import { type ChargeStory, noSums, type SettledIn, type Sums } from './charges.js';
import type { Report } from './finding.js';
import type { Seen } from './history.js';
import { createPayerFunds, type PayerFunds } from './payer-funds.js';

type Data<Type extends AnyEvent['type']> = EventOfType<Type>['data'];

/** What the payers of one partition did, and what was decided about it. */
export interface Admissions {
  readonly stories: Map<string, ChargeStory>;
  readonly sums: Map<string, Sums>;
  /** Authorizations that were charged, over all partitions. */
  readonly nonces: Map<string, string>;
  /** Authorized amount by `chargeId/requestId`. */
  readonly proofs: Map<string, bigint>;
  /** First report of a delivery, by charge. */
  readonly deliveries: Map<string, { readonly payer: string; readonly place: string }>;
  /** Records that the verifier said it ignored, as `payer/topic/offset`. */
  readonly ignored: Set<string>;
  readonly parked: Set<string>;
  readonly funds: Map<string, PayerFunds>;
  readonly authorized: Set<string>;
}

interface Walk extends Admissions {
  /** Of this partition. */
  readonly held: Set<ChargeStory>;
  readonly topic: string;
  /** Records without a cause decide nothing from here on. */
  isClosed: boolean;
  /** Relays of settlement that `decisions` must hold, by payments offset. */
  readonly relays: Map<number, PaymentEvent>;
  readonly report: Report;
  nowMs: number;
}

/** A hold may outlive its end by the time until `TimePassed` is appended, folded and written. */
const holdSlackMs = 60_000;
const relayed = new Set<string>([
  'ChargeInFlight',
  'ChargeReturned',
  'ChargeSettled',
  'ChargeUncollectible',
  'GasSpent',
]);

/** Everything keyed by payer or charge: in a new generation of topics it goes on elsewhere. */
export function newAdmissions(nonces: Map<string, string>): Admissions {
  return {
    ...{ nonces, stories: new Map(), sums: new Map(), proofs: new Map(), deliveries: new Map() },
    ...{ ignored: new Set(), parked: new Set(), funds: new Map(), authorized: new Set() },
  };
}

/** Merges payments with the decisions that they caused, in the order in which they were folded. */
export function auditAdmissions(
  payments: readonly Seen[],
  decisions: readonly Seen[],
  admissions: Admissions,
  report: Report,
): void {
  const topic = physicalOf(payments[0]);
  const walk: Walk = {
    ...{ ...admissions, held: new Set(), relays: new Map(), report, topic },
    ...{ nowMs: 0, isClosed: false },
  };
  let next = 0;
  for (const payment of payments) {
    walk.nowMs = Math.max(walk.nowMs, payment.timestampMs);
    readPayment(walk, payment.event as PaymentEvent, payment.offset);
    for (; next < decisions.length; next++) {
      const decision = decisions[next] as Seen;
      if (decision.cause !== undefined && decision.cause[2] > payment.offset) break;
      readDecision(walk, decision.event as DecisionEvent);
    }
  }
  for (; next < decisions.length; next++) {
    const { cause, offset } = decisions[next] as Seen;
    // Caused by a payment that is not there (or could not be read).
    if (cause !== undefined) report('proof_missing', `${cause.join('/')}`, `decision ${offset}`);
  }
  finishPartition(walk);
}

/** The topic with its generation: offsets begin anew in each. */
function physicalOf(first: Seen | undefined): string {
  return first?.topic ?? '';
}

function readPayment(walk: Walk, event: PaymentEvent, offset: number): void {
  if (event.type === 'PartitionClosed') walk.isClosed = true;
  if (walk.isClosed && event.cause === undefined) return;
  if (relayed.has(event.type)) walk.relays.set(offset, event);
  if (event.type === 'ProofReceived') {
    const { chargeId, requestId } = event.data;
    const authorized = BigInt(event.data.authorization.value);
    walk.proofs.set(`${chargeId}/${requestId}`, authorized);
    if (!walk.authorized.has(chargeId)) {
      walk.authorized.add(chargeId);
      sumsOf(walk, event.data).authorized += authorized;
    }
  }
  if (event.type === 'CrawlDelivered' && !walk.deliveries.has(event.data.chargeId)) {
    const { payer } = event.data;
    walk.deliveries.set(event.data.chargeId, { payer, place: `${walk.topic}/${offset}` });
  }
  if (event.type === 'FundsObserved') fundsOf(walk, event.data).observe(event.data);
  if (event.type === 'TimePassed') {
    for (const { hold } of walk.held) {
      if (hold !== undefined && hold.expiresAtMs < walk.nowMs) hold.timePassedAfter += 1;
    }
  }
}

function readDecision(walk: Walk, event: DecisionEvent): void {
  switch (event.type) {
    case 'PaymentAccepted':
      return accepted(walk, event.data);
    case 'ChargePosted':
      return posted(walk, event.data);
    case 'HoldReleased':
      return released(walk, event.data);
    case 'LossPosted':
      return lossPosted(walk, event.data);
    case 'RecordIgnored':
      walk.ignored.add(`${event.data.payer}/${walk.topic}/${event.data.offset}`);
      return;
    case 'PayerParked':
      walk.parked.add(event.data.payer);
      return;
    case 'ChargeInFlight':
    case 'ChargeReturned':
    case 'ChargeSettled':
    case 'ChargeUncollectible':
    case 'GasSpent':
      return relay(walk, event);
    case 'LeaseGranted':
    case 'PaymentRejected':
    case 'FundsRequested':
    case 'PlatformFeeChanged':
    case 'PartitionSeeded':
      return;
    default:
      return event satisfies never;
  }
}

function accepted(walk: Walk, data: Data<'PaymentAccepted'>): void {
  const { chargeId, requestId, payer, publisherId, network, asset, kind } = data;
  const amount = BigInt(data.amount);
  const authorized = walk.proofs.get(`${chargeId}/${requestId}`);
  if (authorized === undefined || authorized < amount) {
    walk.report('proof_missing', chargeId, 'accepted without a proof of that amount');
  }
  const story = walk.stories.get(chargeId) ?? {
    ...{ chargeId, payer, publisherId, network, asset, amount, kind },
    hold: undefined,
    wasHeld: false,
    charge: undefined,
    lost: false,
  };
  walk.stories.set(chargeId, story);
  if (story.hold !== undefined) walk.report('held_twice', chargeId, 'accepted while it was held');
  if (story.charge !== undefined) walk.report('charged_twice', chargeId, 'accepted after a charge');
  if (!story.wasHeld) sumsOf(walk, data).held += amount;
  story.wasHeld = true;
  story.hold = { expiresAtMs: data.holdExpiresAtMs, timePassedAfter: 0 };
  walk.held.add(story);
  fundsOf(walk, data).open(amount, chargeId);
  checkSums(walk, data);
}

function posted(walk: Walk, data: Data<'ChargePosted'>): void {
  const { chargeId, authorization, payTo } = data;
  const amount = BigInt(data.amount);
  checkIdentity(walk, data);
  const story = walk.stories.get(chargeId);
  if (story === undefined) {
    return walk.report('hold_missing', chargeId, 'charged without an accepted proof');
  }
  if (story.charge !== undefined) return walk.report('charged_twice', chargeId, 'posted twice');
  if (story.amount !== amount || story.publisherId !== data.publisherId) {
    walk.report('charge_differs', chargeId, `accepted ${story.amount}, charged ${amount}`);
  }
  if (data.kind === 'crawl' && !walk.deliveries.has(chargeId)) {
    walk.report('delivery_missing', chargeId, 'charged, and no delivery was reported');
  }
  // After a release the charge is a new obligation; from a hold it is the same one.
  if (story.hold === undefined) fundsOf(walk, data).open(amount, chargeId);
  endHold(walk, story);
  const { from, nonce } = authorization;
  const at = 'payer_receivable';
  story.charge = { authorization: { from, nonce }, payTo, at, settledIn: undefined };
  sumsOf(walk, data).charged += amount;
  checkSums(walk, data);
}

function checkIdentity(walk: Walk, data: Data<'ChargePosted'>): void {
  const { chargeId, network, asset, authorization, payer } = data;
  const { from, nonce } = authorization;
  if (chargeId !== chargeIdOf(network, asset, from, nonce) || from !== addressOfPayer(payer)) {
    walk.report('charge_id_wrong', chargeId, 'the id is not that of its authorization');
  }
  const identity = `${network}/${asset}/${from}/${nonce}`;
  const other = walk.nonces.get(identity);
  if (other !== undefined) {
    walk.report('charged_twice', chargeId, `nonce ${nonce} was charged as ${other}`);
  }
  walk.nonces.set(identity, chargeId);
}

function released(walk: Walk, data: Data<'HoldReleased'>): void {
  const story = walk.stories.get(data.chargeId);
  if (story?.hold === undefined) {
    return walk.report('hold_missing', data.chargeId, 'released without a hold');
  }
  endHold(walk, story);
  fundsOf(walk, data).close(story.amount);
}

function endHold(walk: Walk, story: ChargeStory): void {
  story.hold = undefined;
  walk.held.delete(story);
}

function lossPosted(walk: Walk, data: Data<'LossPosted'>): void {
  const story = walk.stories.get(data.chargeId);
  if (story === undefined)
    return walk.report('hold_missing', data.chargeId, 'lost without a proof');
  if (story.charge !== undefined) walk.report('charged_twice', data.chargeId, 'charged and lost');
  story.lost = true;
}

type RelayedEvent = Extract<
  DecisionEvent,
  {
    type:
      | 'ChargeInFlight'
      | 'ChargeReturned'
      | 'ChargeSettled'
      | 'ChargeUncollectible'
      | 'GasSpent';
  }
>;

function relay(walk: Walk, event: RelayedEvent): void {
  const original = walk.relays.get(event.cause?.[2] ?? -1);
  if (JSON.stringify(original?.data) !== JSON.stringify(event.data)) {
    walk.report('relay_missing', event.id, 'a decision that settlement did not write');
  }
  walk.relays.delete(event.cause?.[2] ?? -1);
  if (event.type !== 'GasSpent') moveCharge(walk, event);
}

function moveCharge(walk: Walk, event: Exclude<RelayedEvent, { type: 'GasSpent' }>): void {
  const { chargeId } = event.data;
  const charge = walk.stories.get(chargeId)?.charge;
  if (charge === undefined) return walk.report('charge_out_of_order', chargeId, 'never charged');
  const { at } = charge;
  if (at === 'settled' || at === 'uncollectible') {
    const isTwice = event.type === 'ChargeSettled' && at === 'settled';
    const rule = isTwice ? 'settled_twice' : 'charge_out_of_order';
    return walk.report(rule, chargeId, `${event.type} after it was ${at}`);
  }
  const amount = BigInt(event.data.amount);
  const funds = fundsOf(walk, event.data);
  switch (event.type) {
    case 'ChargeInFlight':
      if (at === 'in_flight') walk.report('charge_out_of_order', chargeId, 'in two batches');
      charge.at = 'in_flight';
      return;
    case 'ChargeReturned':
      if (at !== 'in_flight') walk.report('charge_out_of_order', chargeId, 'returned from nowhere');
      charge.at = 'payer_receivable';
      return;
    case 'ChargeSettled':
      charge.at = 'settled';
      charge.settledIn = settlementOf(event.data);
      sumsOf(walk, event.data).settled += amount;
      checkSums(walk, event.data);
      return funds.settle(amount, event.data.blockNumber);
    case 'ChargeUncollectible':
      charge.at = 'uncollectible';
      return funds.close(amount);
    default:
      return event satisfies never;
  }
}

function settlementOf(data: Data<'ChargeSettled'>): SettledIn {
  const { batchId, transactionHash, blockNumber, paidElsewhere } = data;
  return { batchId, transactionHash, blockNumber, paidElsewhere };
}

function finishPartition(walk: Walk): void {
  for (const { chargeId, hold } of walk.held) {
    if (hold === undefined) continue;
    const isOver = walk.nowMs > hold.expiresAtMs + holdSlackMs || hold.timePassedAfter > 1;
    if (isOver) walk.report('hold_not_ended', chargeId, `expired at ${hold.expiresAtMs}`);
  }
  for (const [offset, { type, id }] of walk.relays) {
    walk.report('relay_missing', id, `${type} at payments offset ${offset} was not relayed`);
  }
}

/** After the last partition that these payers may stand in. */
export function finishAdmissions(
  { stories, deliveries, parked, ignored }: Admissions,
  report: Report,
): void {
  for (const [chargeId, { payer, place }] of deliveries) {
    const story = stories.get(chargeId);
    const isEnded = story?.charge !== undefined || story?.lost === true;
    if (isEnded || parked.has(payer) || ignored.has(`${payer}/${place}`)) continue;
    report('delivery_not_ended', chargeId, 'delivered; neither charged, lost nor ignored');
  }
}

function fundsOf(walk: Walk, { payer, asset }: { payer: string; asset: string }): PayerFunds {
  const key = `${payer}/${asset}`;
  const known = walk.funds.get(key) ?? createPayerFunds(walk.report);
  walk.funds.set(key, known);
  return known;
}

function sumsOf(walk: Walk, { network, asset }: { network: string; asset: string }): Sums {
  const key = `${network}/${asset}`;
  const known = walk.sums.get(key) ?? noSums();
  walk.sums.set(key, known);
  return known;
}

function checkSums(walk: Walk, of: { network: string; asset: string; chargeId: string }): void {
  const { authorized, held, charged, settled } = sumsOf(walk, of);
  if (authorized >= held && held >= charged && charged >= settled) return;
  const text = `authorized ${authorized}, held ${held}, charged ${charged}, settled ${settled}`;
  walk.report('sums_out_of_order', of.chargeId, text);
}
