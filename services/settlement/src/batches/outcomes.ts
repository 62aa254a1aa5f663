import type { BatchObserved, ChargeAnswer, ChargesObserved } from '@paycrawl/events/charges';
import type { DataOf } from '@paycrawl/events/definition';
import type { GasSpent } from '@paycrawl/events/payments';
import { formatAtomic, shareOfRoundingDown } from '@paycrawl/money/money';
import type { Static } from '@sinclair/typebox';
import { chargeFieldsOf, dequeue, enqueue, type Place, sealBatches } from './sealing.js';
import {
  type Batch,
  batchKey,
  batchOf,
  type Charge,
  chargeKey,
  chargeOf,
  confirmationsKept,
  type DueCharge,
  heldKey,
  type Lane,
  laneKey,
  laneOf,
  poolOf,
  type SettlementView,
} from './state.js';

export type BatchObservation = DataOf<typeof BatchObserved>;
export type ChargesObservation = DataOf<typeof ChargesObserved>;
export type Answer = Static<typeof ChargeAnswer>;
type GasShares = DataOf<typeof GasSpent>['shares'];

/** After this many failed batches a charge goes on alone, so that it cannot harm others again. */
const triesTogetherMax = 3;

interface Tally {
  settled: number;
  returned: number;
  uncollectible: number;
  amountSettled: bigint;
}

/** The world's answer for a batch: ends it, and every charge of it ends or returns. */
export function endBatch(view: SettlementView, observed: BatchObservation, place: Place): void {
  const batch = batchOf(view, observed.batchId);
  const lane = batch && laneOf(view, batch.network);
  // A second owner's observation of a batch that ended already.
  if (batch === undefined || lane === undefined) return;
  const { mined } = observed;
  if (mined.by === 'other') {
    closeLane(view, lane, batch, observed);
    loseBatch(view, batch);
  } else {
    const attempt = batch.attempts[mined.attempt - 1];
    if (attempt?.transactionHash !== mined.transactionHash) return;
    const answers = new Map(observed.answers.map((answer) => [answer.chargeId, answer]));
    if (!batch.chargeIds.every((chargeId) => answers.has(chargeId))) return;
    closeLane(view, lane, batch, observed);
    confirmBatch(view, batch, observed, { mined, answers });
  }
  view.delete(batchKey(batch.batchId));
  sealBatches(view, batch.pool, place);
}

interface Confirmed {
  readonly mined: Extract<BatchObservation['mined'], { by: 'attempt' }>;
  readonly answers: ReadonlyMap<string, Answer>;
}

function confirmBatch(
  view: SettlementView,
  batch: Batch,
  observed: BatchObservation,
  { mined, answers }: Confirmed,
): void {
  const { batchId, network, signer } = batch;
  const tally: Tally = { settled: 0, returned: 0, uncollectible: 0, amountSettled: 0n };
  const wasTried = new Set(batch.attempts[mined.attempt - 1]?.chargeIds);
  const tried: DueCharge[] = [];
  for (const chargeId of batch.chargeIds) {
    const charge = chargeOf(view, chargeId);
    const answer = answers.get(chargeId);
    if (charge === undefined || answer === undefined) continue;
    if (wasTried.has(chargeId)) tried.push(charge.due);
    answerInBatch(view, charge, answer, { observed, tally, wasTried: wasTried.has(chargeId) });
  }
  const gasShares = gasSharesRoundingDown(tried, BigInt(wasTried.size), BigInt(mined.gasCostWei));
  const { attempt, transactionHash, gasUsed, gasCostWei, minedBlockNumber } = mined;
  view.emit({
    topic: 'payments',
    key: `${network}:${signer}`,
    trace: batch.trace ?? null,
    type: 'GasSpent',
    data: {
      network,
      signer,
      batchId,
      transactionHash,
      gasUsed,
      amountWei: gasCostWei,
      charges: wasTried.size,
      shares: gasShares,
    },
  });
  view.emit({
    topic: 'settlements',
    key: batchId,
    trace: batch.trace ?? null,
    type: 'BatchConfirmed',
    data: {
      batchId,
      network,
      attempt,
      transactionHash,
      blockNumber: minedBlockNumber,
      gasUsed,
      gasCostWei,
      settled: tally.settled,
      returned: tally.returned,
      uncollectible: tally.uncollectible,
      amountSettled: tally.amountSettled.toString(),
    },
  });
}

/**
 * Every call of a transaction is the same transfer, so gas is shared by their number: also those
 * that failed cost it. What rounding leaves is the platform's, as is the gas of crawls and of a
 * transaction without calls.
 */
function gasSharesRoundingDown(
  tried: readonly DueCharge[],
  calls: bigint,
  gasCostWei: bigint,
): GasShares {
  const counts = new Map<string, number>();
  for (const { kind, publisherId } of tried) {
    if (kind === 'facilitated') counts.set(publisherId, (counts.get(publisherId) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([account, charges]) => {
      const share = shareOfRoundingDown(gasCostWei, BigInt(charges), calls);
      return { account, charges, amountWei: formatAtomic(share) };
    });
}

interface AnswerContext {
  readonly observed: BatchObservation;
  readonly tally: Tally;
  readonly wasTried: boolean;
}

function answerInBatch(
  view: SettlementView,
  charge: Charge,
  answer: Answer,
  { observed, tally, wasTried }: AnswerContext,
): void {
  const batchId = observed.batchId;
  if (answer.answer === 'settled' || answer.answer === 'paid_elsewhere') {
    settle(view, charge, answer, { batchId, observed });
    tally.settled += 1;
    tally.amountSettled += BigInt(charge.due.amount);
  } else if (answer.answer === 'unused') {
    returnCharge(view, charge, batchId, wasTried ? 'call_failed' : 'not_tried');
    if (wasTried) hold(view, charge);
    else enqueue(view, charge);
    tally.returned += 1;
  } else {
    uncollectible(view, charge, answer.answer, { batchId, blockNumber: observed.blockNumber });
    tally.uncollectible += 1;
  }
}

function loseBatch(view: SettlementView, batch: Batch): void {
  for (const chargeId of batch.chargeIds) {
    const charge = chargeOf(view, chargeId);
    if (charge === undefined) continue;
    returnCharge(view, charge, batch.batchId, 'batch_lost');
    enqueue(view, charge);
  }
  view.emit({
    topic: 'settlements',
    key: batch.batchId,
    trace: batch.trace ?? null,
    type: 'BatchLost',
    data: { batchId: batch.batchId, reason: 'nonce_used_by_another_transaction' },
  });
}

/** Charges whose payers turned out to have code leave the batch before any attempt holds them. */
export function leaveBatch(view: SettlementView, batch: Batch, leaving: ReadonlySet<string>): void {
  for (const chargeId of batch.chargeIds) {
    const charge = leaving.has(chargeId) ? chargeOf(view, chargeId) : undefined;
    if (charge === undefined) continue;
    returnCharge(view, charge, batch.batchId, 'payer_has_code');
    enqueue(view, { ...charge, isAlone: true });
  }
}

/** The world's answers for charges that are in no batch. */
export function answerWaiting(
  view: SettlementView,
  observed: ChargesObservation,
  place: Place,
): void {
  const pools = new Set<string>();
  for (const answer of observed.answers) {
    const charge = chargeOf(view, answer.chargeId);
    if (charge === undefined || charge.status === 'in_batch') continue;
    if (charge.status === 'parked' || answer.answer === 'unused') continue;
    endWaiting(view, charge, answer, observed);
  }
  for (const chargeId of observed.ready) {
    const charge = chargeOf(view, chargeId);
    if (charge?.status !== 'held') continue;
    view.delete(heldKey(chargeId));
    enqueue(view, charge);
    pools.add(poolOf(charge.due));
  }
  const lane = laneOf(view, observed.network);
  if (lane !== undefined) view.set(laneKey(lane.network), withBlock(lane, observed));
  for (const pool of [...pools].sort()) sealBatches(view, pool, place);
}

function endWaiting(
  view: SettlementView,
  charge: Charge,
  answer: Exclude<Answer, { answer: 'unused' }>,
  observed: ChargesObservation,
): void {
  if (charge.status === 'held') view.delete(heldKey(charge.due.chargeId));
  else dequeue(view, charge);
  if (answer.answer === 'settled' || answer.answer === 'paid_elsewhere') {
    // The books move money from "in flight" only, so it passes through there.
    const batchId = charge.batchId ?? `elsewhere-${charge.due.chargeId}`;
    const data = { ...chargeFieldsOf(charge.due), batchId };
    const trace = charge.trace ?? null;
    view.emit({ topic: 'payments', key: charge.due.payer, trace, type: 'ChargeInFlight', data });
    settle(view, charge, answer, { batchId, observed });
  } else {
    const { blockNumber } = observed;
    uncollectible(view, charge, answer.answer, { batchId: undefined, blockNumber });
  }
}

interface SettleContext {
  readonly batchId: string;
  readonly observed: { readonly blockNumber: number; readonly blockTimestampS: number };
}

function settle(
  view: SettlementView,
  { due, trace }: Charge,
  answer: Extract<Answer, { transactionHash: string }>,
  { batchId, observed }: SettleContext,
): void {
  const { chargeId, payer, publisherId, network, asset, amount, kind } = due;
  view.delete(chargeKey(chargeId));
  view.emit({
    topic: 'payments',
    key: payer,
    trace: trace ?? null,
    type: 'ChargeSettled',
    // The fields of `chargeFieldsOf` and no spread: every charge ends here.
    data: {
      chargeId,
      payer,
      publisherId,
      network,
      asset,
      amount,
      kind,
      batchId,
      transactionHash: answer.transactionHash,
      blockNumber: observed.blockNumber,
      blockTimestampS: observed.blockTimestampS,
      paidElsewhere: answer.answer === 'paid_elsewhere',
    },
  });
}

function uncollectible(
  view: SettlementView,
  { due, trace }: Charge,
  reason: string,
  { batchId, blockNumber }: { batchId: string | undefined; blockNumber: number },
): void {
  view.delete(chargeKey(due.chargeId));
  const inBatch = batchId === undefined ? {} : { batchId };
  view.emit({
    topic: 'payments',
    key: due.payer,
    trace: trace ?? null,
    type: 'ChargeUncollectible',
    data: { ...chargeFieldsOf(due), ...inBatch, reason, blockNumber },
  });
}

function returnCharge(
  view: SettlementView,
  { due, trace }: Charge,
  batchId: string,
  reason: string,
): void {
  view.emit({
    topic: 'payments',
    key: due.payer,
    trace: trace ?? null,
    type: 'ChargeReturned',
    data: { ...chargeFieldsOf(due), batchId, reason },
  });
}

function hold(view: SettlementView, charge: Charge): void {
  const tries = charge.tries + 1;
  const isAlone = charge.isAlone || tries >= triesTogetherMax;
  view.set(heldKey(charge.due.chargeId), charge.due.chargeId);
  view.set(chargeKey(charge.due.chargeId), { ...charge, status: 'held', tries, isAlone });
}

function closeLane(
  view: SettlementView,
  lane: Lane,
  batch: Batch,
  observed: BatchObservation,
): void {
  const confirmation = {
    confirmationMs: view.nowMs - batch.sealedAtMs,
    charges: batch.chargeIds.length,
    gasCostWei: observed.mined.by === 'attempt' ? observed.mined.gasCostWei : '0',
    clockDifferenceMs: observed.clockDifferenceMs,
  };
  view.set(laneKey(lane.network), {
    ...withBlock(lane, observed),
    batchIds: lane.batchIds.filter((batchId) => batchId !== batch.batchId),
    aloneInFlight: lane.aloneInFlight - (batch.isAlone ? 1 : 0),
    confirmations: [...lane.confirmations, confirmation].slice(-confirmationsKept),
  });
}

function withBlock(
  lane: Lane,
  { blockNumber, blockHash }: { blockNumber: number; blockHash: string },
): Lane {
  if (lane.block !== undefined && lane.block.number >= blockNumber) return lane;
  return { ...lane, block: { number: blockNumber, hash: blockHash } };
}
