import { fail } from '@paycrawl/errors/paycrawl-error';
import type { AnyEvent, DecisionEvent, EventOfType, EventType } from '@paycrawl/events/event';
import { payerId } from '@paycrawl/events/ids';
import type { Fold, LogOutput, View } from '@paycrawl/fold/fold';
import type { Moment, Outstanding } from '@paycrawl/ledger/transaction';
import { basisPointsRoundingDown, parseAtomic } from '@paycrawl/money/money';
import { post } from './post.js';
import {
  type BooksAsset,
  type ChargeRef,
  feeKey,
  noFee,
  noUsage,
  type OpenCharge,
  openChargeKey,
  type PlatformFee,
  type Usage,
  usageKey,
} from './state.js';

/**
 * Metering: decisions[p] → ledger[p] and charges[p]. A broken invariant throws; there is no park
 * hook, so the process stops before anything wrong is written.
 */
export const meteringFold: Fold<LogOutput> = {
  name: 'metering',
  input: 'decisions',
  isSeeded: true,
  apply: (view, event) => apply(view, event as DecisionEvent),
};

/** Charts read both, settlement the second, on one machine in the same process. */
export const handsOver: ReadonlySet<EventType> = new Set(['LedgerPosted', 'ChargeDue']);

function apply(view: View<LogOutput>, event: DecisionEvent): void {
  switch (event.type) {
    case 'ChargePosted':
      return chargePosted(view, event.data);
    case 'HoldReleased':
      return count(view, event.data, (used) => ({ ...used, released: used.released + 1 }));
    case 'PaymentRejected':
      // However many came late to a closed generation, its state is one (ADR 0007).
      if (event.data.code === 'generation_closed') return;
      return count(view, event.data, (used) => ({ ...used, rejected: used.rejected + 1 }));
    case 'LossPosted':
      return lossPosted(view, event.data);
    case 'ChargeInFlight':
      return move(view, event.data, 'charge_in_flight', 'payer_receivable', 'in_flight');
    case 'ChargeReturned':
      return move(view, event.data, 'charge_returned', 'in_flight', 'payer_receivable');
    case 'ChargeSettled':
      return chargeSettled(view, event.data);
    case 'ChargeUncollectible':
      return chargeUncollectible(view, event.data);
    case 'GasSpent':
      return gasSpent(view, event.data);
    case 'PlatformFeeChanged':
      return platformFeeChanged(view, event.data);
    case 'PaymentAccepted':
    case 'LeaseGranted':
    case 'FundsRequested':
    case 'PayerParked':
    case 'RecordIgnored':
    // The runtime takes it before any rule sees it.
    case 'PartitionSeeded':
      return;
    default:
      return unexpected(event);
  }
}

/** A type of another topic in this one: whoever wrote it is wrong, and nothing is guessed. */
function unexpected(event: never): never {
  throw fail('ledger_event_unexpected', `${(event as AnyEvent).type} does not belong in decisions`);
}

function chargePosted(view: View<LogOutput>, data: EventOfType<'ChargePosted'>['data']): void {
  const amount = parseAtomic(data.amount);
  const key = openChargeKey(data.chargeId);
  if (view.get(key) !== undefined) throw outOfOrder(data.chargeId, 'posted twice');
  view.set(key, { at: 'payer_receivable', amount } satisfies OpenCharge);
  const { kind, payer, publisherId } = data;
  postCharge(view, data, { moment: 'charge_posted', kind, payer, publisherId, amount });
  count(view, data, (used) => ({
    ...used,
    charged: used.charged + 1,
    chargedAmount: used.chargedAmount + amount,
    chargedBytes: used.chargedBytes + data.bytes,
  }));
  view.emit({
    topic: 'charges',
    key: data.payer,
    type: 'ChargeDue',
    data: {
      chargeId: data.chargeId,
      payer: data.payer,
      publisherId: data.publisherId,
      network: data.network,
      asset: data.asset,
      amount: data.amount,
      kind: data.kind,
      payTo: data.payTo,
      authorization: data.authorization,
      signature: data.signature,
      settleAlone: data.settleAlone,
      sealAtOnce: data.kind === 'facilitated',
    },
  });
}

function lossPosted(view: View<LogOutput>, data: EventOfType<'LossPosted'>['data']): void {
  const amount = parseAtomic(data.amount);
  const { kind, payer, publisherId } = data;
  postCharge(view, data, { moment: 'loss_posted', kind, payer, publisherId, amount });
  count(view, data, (used) => ({
    ...used,
    lost: used.lost + 1,
    lostAmount: used.lostAmount + amount,
  }));
}

function move(
  view: View<LogOutput>,
  data: ChargeRef,
  moment: 'charge_in_flight' | 'charge_returned',
  from: Outstanding,
  to: Outstanding,
): void {
  const key = openChargeKey(data.chargeId);
  const { at, amount } = openCharge(view, key, data);
  if (at !== from) throw outOfOrder(data.chargeId, `${moment} while it stands in ${at}`);
  view.set(key, { at: to, amount } satisfies OpenCharge);
  const { kind, payer, publisherId } = data;
  postCharge(view, data, { moment, kind, payer, publisherId, amount });
}

function chargeSettled(view: View<LogOutput>, data: EventOfType<'ChargeSettled'>['data']): void {
  const key = openChargeKey(data.chargeId);
  const { at, amount } = openCharge(view, key, data);
  view.delete(key);
  // Found paid elsewhere, a charge may settle without having been in a batch of ours.
  const { kind, payer, publisherId } = data;
  const moment = { moment: 'charge_settled', from: at, kind, payer, publisherId, amount } as const;
  postCharge(view, data, moment);
  count(view, data, (used) => ({
    ...used,
    settled: used.settled + 1,
    settledAmount: used.settledAmount + amount,
  }));
  const { feeBps } = view.get<PlatformFee>(feeKey) ?? noFee;
  const fee = basisPointsRoundingDown(amount, BigInt(feeBps));
  if (fee === 0n || data.kind === 'facilitated') return;
  postCharge(view, data, { moment: 'platform_fee', publisherId, amount: fee });
}

function chargeUncollectible(
  view: View<LogOutput>,
  data: EventOfType<'ChargeUncollectible'>['data'],
): void {
  const key = openChargeKey(data.chargeId);
  const { at, amount } = openCharge(view, key, data);
  view.delete(key);
  const { kind, payer, publisherId } = data;
  const parties = { kind, payer, publisherId };
  postCharge(view, data, { moment: 'charge_uncollectible', from: at, ...parties, amount });
  count(view, data, (used) => ({
    ...used,
    uncollectible: used.uncollectible + 1,
    uncollectibleAmount: used.uncollectibleAmount + amount,
  }));
}

function gasSpent(view: View<LogOutput>, data: EventOfType<'GasSpent'>['data']): void {
  const { shares } = data;
  const borne = shares.reduce((sum, { amountWei }) => sum + parseAtomic(amountWei), 0n);
  postGas(view, data, { amount: parseAtomic(data.amountWei) - borne });
  for (const { account, amountWei } of shares) {
    postGas(view, data, { bearer: account, amount: parseAtomic(amountWei) });
  }
}

/** Each bearer's part is a transaction of its own: whose it is stands on the posting. */
function postGas(
  view: View<LogOutput>,
  { network, signer }: EventOfType<'GasSpent'>['data'],
  { amount, bearer }: { readonly amount: bigint; readonly bearer?: string },
): void {
  if (amount === 0n) return;
  const asset = { network, asset: 'native' };
  const key = payerId(network, signer);
  const moment = { moment: 'gas_spent', network, signer, amount } as const;
  if (bearer === undefined) return post(view, key, asset, moment);
  const of = { publisherId: bearer, kind: 'facilitated' } as const;
  post(view, key, asset, { ...moment, bearer }, of);
}

function platformFeeChanged(
  view: View<LogOutput>,
  { version, feeBps }: EventOfType<'PlatformFeeChanged'>['data'],
): void {
  const inForce = view.get<PlatformFee>(feeKey) ?? noFee;
  if (version !== inForce.version + 1) return;
  view.set(feeKey, { version, feeBps } satisfies PlatformFee);
}

function postCharge(view: View<LogOutput>, data: ChargeRef, moment: Moment): void {
  post(view, data.payer, data, moment, data);
}

/** The charge as it stands in the books; the event must speak of the same amount. */
function openCharge(
  view: View<LogOutput>,
  key: string,
  { chargeId, amount }: ChargeRef,
): OpenCharge {
  const open = view.get<OpenCharge>(key);
  if (open === undefined) throw outOfOrder(chargeId, 'it is not open');
  if (open.amount !== parseAtomic(amount)) {
    throw outOfOrder(chargeId, `posted with ${open.amount}, now ${amount}`);
  }
  return open;
}

function outOfOrder(chargeId: string, what: string) {
  return fail('ledger_charge_out_of_order', `charge ${chargeId}: ${what}`);
}

function count(
  view: View<LogOutput>,
  of: BooksAsset & { publisherId: string },
  add: (used: Usage) => Usage,
): void {
  const key = usageKey(of, view.nowMs);
  view.set(key, add(view.get<Usage>(key) ?? noUsage));
}
