import {
  type Batch,
  batchKey,
  type Charge,
  chargeKey,
  chargeOf,
  deadlineMs,
  generationKey,
  isClosing,
  type Lane,
  laneKey,
  laneOf,
  marginMs,
  type Pool,
  poolAt,
  poolKey,
  poolOf,
  queueKey,
  queuePrefix,
  type SettlementView,
  settingsOf,
} from './state.js';

/** Where the record stands that is being folded: the seed of batch ids. */
export interface Place {
  readonly partition: number;
  readonly offset: number;
}

export type SealReason = 'full' | 'old' | 'deadline' | 'at_once' | 'alone';

/** Puts a charge in line and sets the timer by which it must be in a batch. */
export function enqueue(view: SettlementView, charge: Charge): void {
  const { due } = charge;
  const pool = poolOf(due);
  const line = poolAt(view, pool) ?? emptyPool(due.network, due.asset);
  const status = charge.isAlone ? 'alone' : 'queued';
  view.set(chargeKey(due.chargeId), charge.status === status ? charge : { ...charge, status });
  view.set(queueKey(charge), due.chargeId);
  const queued = line.queued + (charge.isAlone ? 0 : 1);
  const lane = laneOf(view, due.network);
  const lastMomentMs = deadlineMs(due) - marginMs(view, lane, queued);
  const sealAtMs = Math.min(view.nowMs + settingsOf(view).batchAgeMaxMs, lastMomentMs);
  const isDue = line.isDue || due.sealAtOnce || sealAtMs <= view.nowMs;
  view.set(poolKey(pool), {
    network: line.network,
    asset: line.asset,
    queued,
    alone: line.alone + (charge.isAlone ? 1 : 0),
    timerAtMs: isDue ? line.timerAtMs : timerBy(view, pool, line.timerAtMs, sealAtMs),
    isDue,
  } satisfies Pool);
}

/** Takes a charge out of line, wherever it stands in it. */
export function dequeue(view: SettlementView, charge: Charge): void {
  const pool = poolOf(charge.due);
  const line = poolAt(view, pool);
  view.delete(queueKey(charge));
  if (line === undefined) return;
  const shorter = charge.isAlone
    ? { ...line, alone: line.alone - 1 }
    : { ...line, queued: line.queued - 1 };
  view.set(poolKey(pool), shorter);
}

/** The timer of a pool came. */
export function timerCame(view: SettlementView, pool: string): void {
  const line = poolAt(view, pool);
  if (line !== undefined) view.set(poolKey(pool), { ...line, timerAtMs: undefined, isDue: true });
}

/**
 * Seals as many batches as the lane has room for: full ones at once, the rest when it is due. A
 * charge that settles alone never waits for company, and only one such batch is in flight, so that
 * payers with code cannot fill the lane.
 */
export function sealBatches(
  view: SettlementView,
  pool: string,
  place: Place,
  reason: SealReason = 'old',
): void {
  if (isClosing(view)) return;
  let number = 0;
  for (;;) {
    const line = poolAt(view, pool);
    const lane = line && laneOf(view, line.network);
    if (line === undefined || lane === undefined || lane.isFrozen) return;
    const settings = settingsOf(view);
    if (lane.batchIds.length >= settings.batchesInFlightMax) return;
    const isFull = line.queued >= settings.batchChargesMax;
    const canGoAlone = line.alone > 0 && lane.aloneInFlight === 0;
    if (line.queued > 0 && (isFull || line.isDue)) {
      const why = isFull ? 'full' : whyDue(view, pool, reason, lane);
      seal(view, { pool, line, lane, place, number, reason: why });
    } else if (canGoAlone) {
      seal(view, { pool, line, lane, place, number, reason: 'alone' });
    } else {
      return;
    }
    number += 1;
  }
}

/** A batch that is not full was made due by a facilitated charge, a deadline, or its age. */
function whyDue(view: SettlementView, pool: string, reason: SealReason, lane: Lane): SealReason {
  if (reason !== 'old') return reason;
  const [first] = view.range<string>(queuePrefix(pool, false), 1);
  const charge = first && chargeOf(view, first[1]);
  const queued = poolAt(view, pool)?.queued ?? 0;
  const isNear =
    charge !== undefined && deadlineMs(charge.due) - marginMs(view, lane, queued) <= view.nowMs;
  return isNear ? 'deadline' : 'old';
}

interface Sealing {
  readonly pool: string;
  readonly line: Pool;
  readonly lane: Lane;
  readonly place: Place;
  readonly number: number;
  readonly reason: SealReason;
}

function seal(view: SettlementView, sealing: Sealing): void {
  const { pool, line, lane, place, number, reason } = sealing;
  const isAlone = reason === 'alone';
  const countMax = isAlone ? 1 : settingsOf(view).batchChargesMax;
  const taken = view.range<string>(queuePrefix(pool, isAlone), countMax);
  const batchId = batchIdOf(view, place, number);
  const charges = taken.map(([key, chargeId]) => takeIntoBatch(view, key, chargeId, batchId));
  const chargeIds = charges.map(({ due }) => due.chargeId);
  const trace = charges.find((charge) => charge.trace !== undefined)?.trace;
  const batch: Batch = {
    batchId,
    pool,
    network: line.network,
    asset: line.asset,
    signer: lane.signer,
    nonce: lane.nextNonce,
    chargeIds,
    isAlone,
    sealedAtMs: view.nowMs,
    attempts: [],
    ...(trace === undefined ? {} : { trace }),
  };
  view.set(batchKey(batchId), batch);
  view.set(laneKey(lane.network), {
    ...lane,
    nextNonce: lane.nextNonce + 1,
    batchIds: [...lane.batchIds, batchId],
    aloneInFlight: lane.aloneInFlight + (isAlone ? 1 : 0),
  });
  const queued = line.queued - (isAlone ? 0 : taken.length);
  const alone = line.alone - (isAlone ? taken.length : 0);
  view.set(poolKey(pool), afterSealing(view, pool, { ...line, queued, alone }));
  emitSealed(view, batch, charges, reason);
}

/** Offsets begin anew in each generation; ids do not. */
function batchIdOf(view: SettlementView, { partition, offset }: Place, number: number): string {
  const generation = view.get<number>(generationKey);
  const place = `${partition}-${offset}-${number}`;
  return generation === undefined ? `b${place}` : `b${generation}.${place}`;
}

/** What is left stays due until a batch takes it; an empty line needs no timer. */
function afterSealing(view: SettlementView, pool: string, line: Pool): Pool {
  if (line.queued > 0) return line;
  if (line.timerAtMs !== undefined) view.clearTimer(poolKey(pool), line.timerAtMs);
  return { ...line, timerAtMs: undefined, isDue: false };
}

function takeIntoBatch(
  view: SettlementView,
  key: string,
  chargeId: string,
  batchId: string,
): Charge {
  view.delete(key);
  const stored = chargeKey(chargeId);
  const charge = view.get<Charge>(stored) as Charge;
  const taken: Charge = { ...charge, status: 'in_batch', batchId };
  view.set(stored, taken);
  return taken;
}

function emitSealed(
  view: SettlementView,
  batch: Batch,
  charges: readonly Charge[],
  reason: SealReason,
): void {
  const { batchId, network, asset, signer, nonce, chargeIds } = batch;
  const amount = charges.reduce((sum, { due }) => sum + BigInt(due.amount), 0n).toString();
  view.emit({
    topic: 'settlements',
    key: batchId,
    trace: batch.trace ?? null,
    type: 'BatchSealed',
    data: { batchId, network, asset, signer, nonce, chargeIds: [...chargeIds], amount, reason },
  });
  for (const { due, trace } of charges) {
    const { chargeId, payer, publisherId, network, asset, amount, kind } = due;
    view.emit({
      topic: 'payments',
      key: payer,
      trace: trace ?? null,
      type: 'ChargeInFlight',
      // The fields of `chargeFieldsOf` and no spread: every charge passes here.
      data: { chargeId, payer, publisherId, network, asset, amount, kind, batchId },
    });
  }
}

/** The fields by which every event names a charge, in one order: equal events are equal bytes. */
export function chargeFieldsOf(due: Charge['due']) {
  const { chargeId, payer, publisherId, network, asset, amount, kind } = due;
  return { chargeId, payer, publisherId, network, asset, amount, kind };
}

function emptyPool(network: string, asset: string): Pool {
  return { network, asset, queued: 0, alone: 0, timerAtMs: undefined, isDue: false };
}

/** The line's open timer, moved where it would come too late; returns when it comes. */
function timerBy(
  view: SettlementView,
  pool: string,
  openAtMs: number | undefined,
  atMs: number,
): number {
  if (openAtMs !== undefined && openAtMs <= atMs) return openAtMs;
  if (openAtMs !== undefined) view.clearTimer(poolKey(pool), openAtMs);
  view.setTimer(poolKey(pool), atMs);
  return atMs;
}
