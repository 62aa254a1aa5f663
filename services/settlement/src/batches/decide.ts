import { fail } from '@paycrawl/errors/paycrawl-error';
import type { AttemptProposed, AttemptSubmitted, LaneOpened } from '@paycrawl/events/charges';
import type { DataOf } from '@paycrawl/events/definition';
import type { AnyEvent, EventType, Mutable } from '@paycrawl/events/event';
import type { Fold, InputPosition } from '@paycrawl/fold/fold';
import { answerWaiting, endBatch, leaveBatch } from './outcomes.js';
import { enqueue, type SealReason, sealBatches, timerCame } from './sealing.js';
import {
  type Attempt,
  type Batch,
  batchKey,
  batchOf,
  type Charge,
  type ChargeStatus,
  chargeKey,
  chargeOf,
  closingKey,
  type DueCharge,
  frozenKey,
  isClosed,
  type Lane,
  laneKey,
  laneOf,
  type Out,
  type Pool,
  poolKey,
  poolOf,
  type Settings,
  type SettlementView,
  settingsKey,
  settingsOf,
} from './state.js';

/** What `ChargeReleased` must name at least: the rules of this code. */
export const ruleVersion = 1;

/** Timers taken in one record; what is left is due a second later. */
const timersPerRecordMax = 1_000;

/**
 * charges[p] → settlements[p] and payments[p]. Seals batches, gives out nonces, knows which
 * attempts are in force, and ends charges by what the world answered at depth.
 */
export const settlementFold: Fold<Out> = {
  name: 'settlement',
  input: 'charges',
  isSeeded: true,
  apply,
  park,
};

/** Every charge has them, and charts read them, on one machine in the same process. */
export const handsOver: ReadonlySet<EventType> = new Set(['ChargeInFlight', 'ChargeSettled']);

function apply(view: SettlementView, event: AnyEvent, position: InputPosition): void {
  if (event.cause === undefined && isClosed(view)) return;
  switch (event.type) {
    case 'ChargeDue':
      return takeCharge(view, event.data, position, event.trace);
    case 'LaneOpened':
      return openLane(view, event.data, position);
    case 'AttemptProposed':
      return takeAttempt(view, event.data, position);
    case 'AttemptSubmitted':
      return noteSubmitted(view, event.data);
    case 'BatchObserved':
      return endBatch(view, event.data, position);
    case 'ChargesObserved':
      return answerWaiting(view, event.data, position);
    case 'SettlementSettingsChanged':
      return changeSettings(view, event.data, position);
    case 'SignerFrozen':
      return freeze(view, event.data.signer, true, position);
    case 'SignerUnfrozen':
      return freeze(view, event.data.signer, false, position);
    case 'ChargeReleased':
      return releaseCharge(view, event.data, position);
    case 'TimePassed':
      return passTime(view, position);
    case 'PartitionClosing':
    case 'PartitionClosed':
      return view.set(closingKey, event.type === 'PartitionClosed' ? 'closed' : 'closing');
    case 'PartitionSeeded':
      // The runtime takes it before any rule sees it.
      return;
    default:
      // A type of another topic: metering never writes one here.
      throw fail('settlement_record_foreign', `${event.type} does not belong to charges`);
  }
}

function takeCharge(
  view: SettlementView,
  due: DueCharge,
  position: InputPosition,
  trace: string | undefined,
): void {
  const why: SealReason = due.sealAtOnce ? 'at_once' : 'old';
  assertSettleable(due);
  const isAlone = mustGoAlone(due);
  enqueue(view, newCharge(view, due, isAlone ? 'alone' : 'queued', trace));
  sealBatches(view, poolOf(due), position, why);
}

function newCharge(
  view: SettlementView,
  due: DueCharge,
  status: ChargeStatus,
  trace: string | undefined,
): Charge {
  const charge: Mutable<Charge> = {
    due,
    status,
    dueAtMs: view.nowMs,
    batchId: undefined,
    isAlone: mustGoAlone(due),
    tries: 0,
  };
  if (trace !== undefined) charge.trace = trace;
  return charge;
}

/** Code of the payer may run: its account has some, or its signature brings some (ERC-6492). */
function mustGoAlone({ settleAlone, signature }: DueCharge): boolean {
  const plainSignatureLength = 2 + 65 * 2;
  return settleAlone || signature.length !== plainSignatureLength;
}

/** The transfer moves the whole authorization, so it must be exactly the charge. */
function assertSettleable({ authorization, amount, payTo, payer }: DueCharge): void {
  const isWhole = authorization.value === amount && authorization.to === payTo;
  if (!isWhole || !payer.endsWith(`:${authorization.from}`)) {
    throw fail('settlement_charge_invalid', 'the authorization is not the charge');
  }
}

/** The entity that stands aside is the charge, never the lane. */
function park(view: SettlementView, event: AnyEvent, position: InputPosition, code: string): void {
  if (event.type !== 'ChargeDue') throw fail('settlement_record_foreign', code);
  const due = event.data;
  view.set(chargeKey(due.chargeId), newCharge(view, due, 'parked', event.trace));
  view.emit({
    topic: 'settlements',
    key: due.chargeId,
    type: 'ChargeParked',
    data: { chargeId: due.chargeId, code, offset: position.offset },
  });
}

function releaseCharge(
  view: SettlementView,
  released: { chargeId: string; ruleVersion: number },
  position: InputPosition,
): void {
  const charge = chargeOf(view, released.chargeId);
  if (charge?.status !== 'parked' || released.ruleVersion > ruleVersion) return;
  try {
    takeCharge(view, charge.due, position, charge.trace);
  } catch {
    // These rules cannot handle it either: it stays parked.
  }
}

/** The first one that is read back holds; a second owner's proposal changes nothing. */
function openLane(
  view: SettlementView,
  opened: DataOf<typeof LaneOpened>,
  position: InputPosition,
): void {
  const { network, signer, firstNonce, genesisHash } = opened;
  if (laneOf(view, network) !== undefined) return;
  const lane: Lane = {
    network,
    signer,
    nextNonce: firstNonce,
    isFrozen: view.get(frozenKey(signer)) !== undefined,
    genesisHash,
    block: undefined,
    batchIds: [],
    aloneInFlight: 0,
    confirmations: [],
  };
  view.set(laneKey(network), lane);
  sealNetwork(view, network, position);
}

function takeAttempt(
  view: SettlementView,
  proposed: DataOf<typeof AttemptProposed>,
  position: InputPosition,
): void {
  const found = batchOf(view, proposed.batchId);
  // Only the first one read back with its number is in force, and only after the one before it.
  if (found === undefined || proposed.attempt !== found.attempts.length + 1) return;
  if (proposed.nonce !== found.nonce || proposed.signer !== found.signer) return;
  const leaving = new Set(proposed.attempt === 1 ? proposed.withCode : []);
  const staying = found.chargeIds.filter((chargeId) => !leaving.has(chargeId));
  if (!holdsCharges(proposed.chargeIds, staying)) return;
  leaveBatch(view, found, leaving);
  const attempt: Attempt = {
    attempt: proposed.attempt,
    chargeIds: proposed.chargeIds,
    transactionHash: proposed.transactionHash,
    rawTransaction: proposed.rawTransaction,
    maxFeePerGas: proposed.maxFeePerGas,
    maxPriorityFeePerGas: proposed.maxPriorityFeePerGas,
    inForceAtMs: view.nowMs,
    sentAtMs: undefined,
  };
  const batch: Batch = { ...found, chargeIds: staying, attempts: [...found.attempts, attempt] };
  view.set(batchKey(batch.batchId), batch);
  view.emit({
    topic: 'settlements',
    key: batch.batchId,
    trace: batch.trace ?? null,
    type: 'BatchSubmitted',
    data: {
      batchId: batch.batchId,
      attempt: attempt.attempt,
      transactionHash: attempt.transactionHash,
    },
  });
  sealBatches(view, batch.pool, position);
}

/** All of the batch, or nothing: an attempt without calls only clears the nonce. */
function holdsCharges(proposed: readonly string[], batch: readonly string[]): boolean {
  if (proposed.length === 0) return true;
  return proposed.length === batch.length && batch.every((id, index) => id === proposed[index]);
}

function noteSubmitted(view: SettlementView, submitted: DataOf<typeof AttemptSubmitted>): void {
  const batch = batchOf(view, submitted.batchId);
  const attempt = batch?.attempts[submitted.attempt - 1];
  if (batch === undefined || attempt === undefined || attempt.sentAtMs !== undefined) return;
  const attempts = batch.attempts.map((one) =>
    one === attempt ? { ...one, sentAtMs: view.nowMs } : one,
  );
  view.set(batchKey(batch.batchId), { ...batch, attempts });
}

function changeSettings(view: SettlementView, settings: Settings, position: InputPosition): void {
  if (settings.version <= settingsOf(view).version) return;
  view.set(settingsKey, settings);
  for (const [key] of view.range<Pool>(poolKey(''))) {
    sealBatches(view, key.slice(poolKey('').length), position);
  }
}

function freeze(
  view: SettlementView,
  signer: string,
  isFrozen: boolean,
  position: InputPosition,
): void {
  // Also for a lane that opens later.
  if (isFrozen) view.set(frozenKey(signer), true);
  else view.delete(frozenKey(signer));
  for (const [key, lane] of view.range<Lane>(laneKey(''))) {
    if (lane.signer !== signer) continue;
    view.set(key, { ...lane, isFrozen });
    if (!isFrozen) sealNetwork(view, lane.network, position);
  }
}

function sealNetwork(view: SettlementView, network: string, position: InputPosition): void {
  for (const [key] of view.range<Pool>(poolKey(`${network}/`))) {
    sealBatches(view, key.slice(poolKey('').length), position);
  }
}

function passTime(view: SettlementView, position: InputPosition): void {
  const prefix = poolKey('');
  for (const key of view.takeDueTimers(timersPerRecordMax)) {
    const pool = key.slice(prefix.length);
    timerCame(view, pool);
    sealBatches(view, pool, position);
  }
}
