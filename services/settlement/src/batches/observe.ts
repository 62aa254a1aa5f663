import type { AuthorizationEnd, TransactionAnswer } from '@paycrawl/chain/chain';
import type { Hex } from 'viem';
import { settlementCalls } from './calls.js';
import { appendOnce, type DriverContext, type Sight } from './driver-context.js';
import type { Answer, BatchObservation } from './outcomes.js';
import {
  type Attempt,
  type Batch,
  type Charge,
  chargeOf,
  deadlineMs,
  heldPrefix,
  type Pool,
  poolKey,
  queuePrefix,
} from './state.js';

/** Charges of one `ChargesObserved`, and of one simulation. */
const chargesPerObservationMax = 200;
/** Gas that nodes allow to an `eth_call`, with room below geth's default of 50 million. */
const simulationGasMax = 40_000_000n;

/** The batch's nonce is used at depth: find out by whom, and what became of each charge. */
export async function observeBatch(
  context: DriverContext,
  batch: Batch,
  sight: Sight,
): Promise<void> {
  const mined = await findMined(context, batch, sight);
  if (mined === 'unknown') return;
  const charges = batch.chargeIds
    .map((chargeId) => chargeOf(context.owned.state, chargeId))
    .filter((charge) => charge !== undefined);
  const hash = mined.by === 'attempt' ? mined.transactionHash : undefined;
  const answers =
    mined.by === 'attempt' ? await answerCharges(context, charges, sight, hash) : new Map();
  // One answer missing means that the node does not know yet: nothing is decided.
  if (mined.by === 'attempt' && answers.size < charges.length) return;
  const data = {
    batchId: batch.batchId,
    network: batch.network,
    blockNumber: sight.deep.number,
    blockHash: sight.deep.hash,
    blockTimestampS: sight.deep.timestampS,
    clockDifferenceMs: context.clock() - sight.headTimestampS * 1000,
    mined,
    answers: [...answers.values()],
  };
  await appendOnce(context, `batch/${batch.batchId}`, 'BatchObserved', data, batch.trace);
  context.onStep?.('observed');
}

type Mined = BatchObservation['mined'];

async function findMined(
  context: DriverContext,
  batch: Batch,
  sight: Sight,
): Promise<Mined | 'unknown'> {
  const answers = await Promise.all(
    batch.attempts.map(async (attempt) => ({
      attempt,
      answer: await context.chain.transactionAt(attempt.transactionHash as Hex),
    })),
  );
  for (const { attempt, answer } of answers) {
    if (answer.outcome !== 'mined') continue;
    // Above the depth, or in a block that is not there: the node contradicts itself, so wait.
    const block = await context.chain.block(answer.blockNumber);
    const isAtDepth = answer.blockNumber <= sight.deep.number && block?.hash === answer.blockHash;
    return isAtDepth ? minedBy(attempt, answer) : 'unknown';
  }
  // A node that lags in its receipts would say the same; a second head must agree.
  const seenAt = context.memory.strangerSeenAt.get(batch.batchId);
  if (seenAt === undefined) context.memory.strangerSeenAt.set(batch.batchId, sight.headNumber);
  return seenAt !== undefined && sight.headNumber > seenAt ? { by: 'other' } : 'unknown';
}

function minedBy(
  attempt: Attempt,
  answer: Extract<TransactionAnswer, { outcome: 'mined' }>,
): Mined {
  return {
    by: 'attempt',
    attempt: attempt.attempt,
    transactionHash: attempt.transactionHash,
    succeeded: answer.succeeded,
    gasUsed: answer.gasUsed.toString(),
    gasCostWei: answer.feeWei.toString(),
    minedBlockNumber: answer.blockNumber,
  };
}

/**
 * What the block at depth says of each charge; a charge without an answer is unknown. Used and
 * cancelled are told apart by the logs of the one transaction that did it.
 */
async function answerCharges(
  context: DriverContext,
  charges: readonly Charge[],
  sight: Sight,
  ownHash: string | undefined,
): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  for (const [asset, ofAsset] of groupByAsset(charges)) {
    const authorizations = ofAsset.map(({ due }) => ({
      authorizer: due.authorization.from as Hex,
      nonce: due.authorization.nonce as Hex,
    }));
    const blockNumber = sight.deep.number;
    const request = { asset, authorizations, blockNumber };
    const states = await context.chain.authorizationStates(request);
    const ended = ofAsset.filter((_charge, index) => states[index] === true);
    const ends = await findEnds(context, asset, ended, sight);
    for (const [index, charge] of ofAsset.entries()) {
      const answer =
        states[index] === true
          ? answerEnded(charge, ends.get(pairOf(charge)), ownHash)
          : answerUnused(charge, sight);
      if (answer !== undefined) answers.set(charge.due.chargeId, answer);
    }
  }
  return answers;
}

function answerUnused({ due }: Charge, sight: Sight): Answer {
  const { chargeId } = due;
  const isOver = deadlineMs(due) <= sight.deep.timestampS * 1000;
  return { chargeId, answer: isOver ? 'expired_unused' : 'unused' };
}

/** "Paid" needs the very transfer of this authorization beside its use. */
function answerEnded(
  { due }: Charge,
  end: AuthorizationEnd | undefined,
  ownHash: string | undefined,
): Answer | undefined {
  const { chargeId, authorization } = due;
  if (end === undefined) return undefined;
  if (end.kind === 'cancelled') return { chargeId, answer: 'cancelled' };
  const { transfer, transactionHash } = end;
  const isExact =
    transfer !== undefined &&
    transfer.from === authorization.from &&
    transfer.to === authorization.to &&
    transfer.value === BigInt(authorization.value);
  if (!isExact) return { chargeId, answer: 'used_otherwise' };
  const answer = transactionHash === ownHash ? 'settled' : 'paid_elsewhere';
  return { chargeId, answer, transactionHash };
}

async function findEnds(
  context: DriverContext,
  asset: Hex,
  charges: readonly Charge[],
  sight: Sight,
): Promise<Map<string, AuthorizationEnd>> {
  if (charges.length === 0) return new Map();
  const toBlock = sight.deep.number;
  const ends = await context.chain.authorizationEvents({
    asset,
    authorizations: charges.map(({ due }) => ({
      authorizer: due.authorization.from as Hex,
      nonce: due.authorization.nonce as Hex,
    })),
    fromBlock: Math.max(0, toBlock - context.settings.lookbackBlocksMax),
    toBlock,
  });
  return new Map(ends.map((end) => [`${end.authorizer}/${end.nonce}`, end]));
}

function pairOf({ due }: Charge): string {
  return `${due.authorization.from}/${due.authorization.nonce}`;
}

function groupByAsset(charges: readonly Charge[]): Map<Hex, Charge[]> {
  const groups = new Map<Hex, Charge[]>();
  for (const charge of charges) {
    const asset = charge.due.asset as Hex;
    const group = groups.get(asset);
    if (group === undefined) groups.set(asset, [charge]);
    else group.push(charge);
  }
  return groups;
}

/**
 * Charges outside batches, once per block: those that failed (ended meanwhile? would they succeed
 * now?) and those in line whose time is over. Only news is written.
 */
export async function observeWaiting(context: DriverContext, sight: Sight): Promise<void> {
  const { network } = context.settings;
  const held = heldCharges(context);
  const late = lateCharges(context, sight);
  if (held.length + late.length === 0) return;
  const answers = await answerCharges(context, [...held, ...late], sight, undefined);
  const news = [...answers.values()].filter(({ answer }) => answer !== 'unused');
  const unused = held.filter(({ due }) => answers.get(due.chargeId)?.answer === 'unused');
  const ready = await findReady(context, unused);
  if (news.length + ready.length === 0) return;
  await appendOnce(context, `waiting/${sight.deep.number}`, 'ChargesObserved', {
    network,
    blockNumber: sight.deep.number,
    blockHash: sight.deep.hash,
    blockTimestampS: sight.deep.timestampS,
    answers: news,
    ready: ready.map(({ due }) => due.chargeId),
  });
}

/** The very transfers, run at the head one after the other, so that one balance is spent once. */
async function findReady(
  context: DriverContext,
  charges: readonly Charge[],
): Promise<readonly Charge[]> {
  if (charges.length === 0) return [];
  const codes = await context.chain.hasCode(
    charges.map(({ due }) => due.authorization.from as Hex),
    'latest',
  );
  const found = charges.map((charge, index) => ({ charge, hasCode: codes[index] === true }));
  const groupOf = ({ charge, hasCode }: (typeof found)[number]) => settlementCalls(charge, hasCode);
  const together = found.filter(({ charge, hasCode }) => !charge.isAlone && !hasCode);
  const alone = found.filter((one) => !together.includes(one));
  const outcomes = await Promise.all([
    simulateAll(context, together.map(groupOf), simulationGasMax),
    // Code of payers runs with its own bound, where it can harm nobody else.
    ...alone.map((one) => simulateAll(context, [groupOf(one)], context.settings.aloneGasMax)),
  ]);
  const succeeds = outcomes.flat();
  return [...together, ...alone]
    .filter((_one, index) => succeeds[index] === true)
    .map(({ charge }) => charge);
}

async function simulateAll(
  context: DriverContext,
  groups: readonly ReturnType<typeof settlementCalls>[],
  gasMax: bigint,
): Promise<readonly boolean[]> {
  return groups.length === 0 ? [] : context.chain.simulate({ groups, gasMax });
}

function heldCharges(context: DriverContext): readonly Charge[] {
  const { state } = context.owned;
  return state
    .range<string>(heldPrefix, chargesPerObservationMax)
    .map(([, chargeId]) => chargeOf(state, chargeId))
    .filter((charge) => charge?.due.network === context.settings.network)
    .filter((charge) => charge !== undefined);
}

/** In line, nearest deadline first, and past it by the chain's own time. */
function lateCharges(context: DriverContext, sight: Sight): readonly Charge[] {
  const { state } = context.owned;
  const late: Charge[] = [];
  for (const [key] of state.range<Pool>(poolKey(`${context.settings.network}/`))) {
    const pool = key.slice(poolKey('').length);
    for (const isAlone of [false, true]) {
      for (const [, chargeId] of state.range<string>(queuePrefix(pool, isAlone), 100)) {
        const charge = chargeOf(state, chargeId);
        if (charge === undefined || deadlineMs(charge.due) > sight.deep.timestampS * 1000) break;
        late.push(charge);
      }
    }
  }
  return late;
}

/** Whether `observeWaiting` may have anything to look at. */
export function hasWaiting(context: DriverContext): boolean {
  const { state } = context.owned;
  if (state.range(heldPrefix, 1).length > 0) return true;
  const pools = state.range<Pool>(poolKey(`${context.settings.network}/`));
  return pools.some(([, pool]) => pool.queued + pool.alone > 0);
}
