import { forEachAtOnce } from './activity.js';
import { type DriverContext, isOnItsWay } from './driver-context.js';
import { look } from './look.js';
import { hasWaiting, observationSubject, observeBatch, observeWaiting } from './observe.js';
import { batchOf, type Lane } from './state.js';

/** Reading the outcomes of a batch costs the node some 100 kB. */
const observedAtOnce = 4;

/** Finds out what became of batches that are deep enough, and of charges that wait outside them. */
export async function observeLane(context: DriverContext, lane: Lane): Promise<void> {
  const { owned, memory, chain } = context;
  if (lane.batchIds.length === 0 && !hasWaiting(context)) return;
  const head = await chain.head();
  // Everything that this head can tell was written.
  if (head.hash === memory.toldHead) return;
  const sight = await look(context, lane, head);
  if (sight === undefined) return;
  let unknown = 0;
  const batches = lane.batchIds
    .map((batchId) => batchOf(owned.state, batchId))
    .filter((batch) => batch !== undefined);
  const deep = batches.filter(({ nonce }) => sight.deepNonce > nonce);
  for (const { nonce, batchId } of batches) {
    if (sight.deepNonce <= nonce) memory.strangerSeenAt.delete(batchId);
  }
  // The oldest nonces first.
  const news = deep.filter((batch) => !isOnItsWay(context, observationSubject(batch)));
  await forEachAtOnce(news, observedAtOnce, async (batch) => {
    const isKnown = await observeBatch(context, batch, sight);
    if (!isKnown) unknown += 1;
  });
  if (sight.headNumber !== memory.observedHead) await observeWaiting(context, sight);
  memory.observedHead = sight.headNumber;
  if (unknown === 0) memory.toldHead = head.hash;
}
