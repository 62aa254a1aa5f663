import { allOf, forEachAtOnce } from './activity.js';
import { attemptSubject, isToPush, pushBatch } from './attempts.js';
import { type DriverContext, isOnItsWay } from './driver-context.js';
import { look } from './look.js';
import { type Batch, batchOf, type Lane } from './state.js';

/**
 * Transactions of one lane that may wait for a block at once: nodes keep no more of one account
 * (16 are geth's guarantee and reth's bound). Batches behind them wait with their nonces.
 */
const unminedMax = 16;

/** What the fold sealed is signed; what came back through the log is sent, again, or outbid. */
export async function sendLane(context: DriverContext, lane: Lane): Promise<void> {
  const { owned } = context;
  const toDo = lane.batchIds
    .map((batchId) => batchOf(owned.state, batchId))
    .filter((batch) => batch !== undefined)
    .filter((batch) => hasWork(context, batch));
  // Nothing to sign or to send: nothing is asked.
  if (toDo.length === 0) return;
  const sight = await look(context, lane);
  if (sight === undefined) return;
  // Mined, but not deep enough: a reorganisation may still bring the nonce back.
  const free = toDo.filter(
    ({ nonce }) => sight.headNonce <= nonce && nonce < sight.headNonce + unminedMax,
  );
  const sealed = free.filter(({ attempts }) => attempts.length === 0);
  const signed = free.filter(({ attempts }) => attempts.length > 0);
  const push = (batch: Batch) => pushBatch(context, batch, sight);
  // Nodes take nonces out of order, but need not: bytes go one after the other.
  await allOf([
    forEachAtOnce(signed, 1, push),
    // What comes back through the log is sent by the next turn.
    ...sealed.map(push),
  ]);
}

function hasWork(context: DriverContext, batch: Batch): boolean {
  const latest = batch.attempts.at(-1);
  if (latest !== undefined) return isToPush(context, latest);
  return !isOnItsWay(context, attemptSubject(batch, 1));
}
