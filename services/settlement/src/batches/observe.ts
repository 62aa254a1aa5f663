import type { AuthorizationEnd, TransactionAnswer } from '@paycrawl/chain/chain';
import { authorizationEnds } from '@paycrawl/chain/usdc';
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

type Receipt = Extract<TransactionAnswer, { outcome: 'mined' }>;

/** Which charges' authorizations are used or cancelled in the block at depth, by charge. */
type States = ReadonlyMap<string, boolean>;

/** The transaction that was mined with the batch's nonce, if it is one of its attempts. */
interface Own {
  readonly hash: Hex;
  readonly receipt: Receipt;
}

export function observationSubject({ batchId }: Batch): string {
  return `batch/${batchId}`;
}

/**
 * The batch's nonce is used at depth: find out by whom, and what became of each charge. False: the
 * node does not tell yet.
 */
export async function observeBatch(
  context: DriverContext,
  batch: Batch,
  sight: Sight,
): Promise<boolean> {
  const charges = batch.chargeIds
    .map((chargeId) => chargeOf(context.owned.state, chargeId))
    .filter((charge) => charge !== undefined);
  const [found, states] = await Promise.all([
    findMined(context, batch, sight),
    readStates(context, charges, sight),
  ]);
  if (found === 'unknown') return false;
  const { mined, own } = found;
  const answers =
    own === undefined ? new Map() : await answerCharges(context, charges, { sight, states, own });
  // One answer missing means that the node does not know yet: nothing is decided.
  if (own !== undefined && answers.size < charges.length) return false;
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
  await appendOnce(context, observationSubject(batch), 'BatchObserved', data, batch.trace);
  context.onStep?.('observed');
  return true;
}

type Mined = BatchObservation['mined'];

interface Found {
  readonly mined: Mined;
  readonly own: Own | undefined;
}

async function findMined(
  context: DriverContext,
  batch: Batch,
  sight: Sight,
): Promise<Found | 'unknown'> {
  const answers = await Promise.all(
    batch.attempts.map(async (attempt) => ({
      attempt,
      answer: await context.chain.transactionAt(attempt.transactionHash as Hex),
    })),
  );
  for (const { attempt, answer } of answers) {
    if (answer.outcome !== 'mined') continue;
    // Above the depth, or in a block that is not there: the node contradicts itself, so wait.
    const block = await sight.block(answer.blockNumber);
    const isAtDepth = answer.blockNumber <= sight.deep.number && block?.hash === answer.blockHash;
    if (!isAtDepth) return 'unknown';
    const hash = attempt.transactionHash as Hex;
    return { mined: minedBy(attempt, answer), own: { hash, receipt: answer } };
  }
  // A node that lags in its receipts would say the same; a second head must agree.
  const seenAt = context.memory.strangerSeenAt.get(batch.batchId);
  if (seenAt === undefined) context.memory.strangerSeenAt.set(batch.batchId, sight.headNumber);
  const isOther = seenAt !== undefined && sight.headNumber > seenAt;
  return isOther ? { mined: { by: 'other' }, own: undefined } : 'unknown';
}

function minedBy(attempt: Attempt, answer: Receipt): Mined {
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

async function readStates(
  context: DriverContext,
  charges: readonly Charge[],
  sight: Sight,
): Promise<States> {
  const blockNumber = sight.deep.number;
  const states = new Map<string, boolean>();
  for (const [asset, ofAsset] of groupByAsset(charges)) {
    const authorizations = ofAsset.map(authorizationOf);
    const request = { asset, authorizations, blockNumber };
    const ended = await context.chain.authorizationStates(request);
    for (const [index, { due }] of ofAsset.entries()) {
      states.set(due.chargeId, ended[index] === true);
    }
  }
  return states;
}

interface Known {
  readonly sight: Sight;
  readonly states: States;
  readonly own: Own | undefined;
}

/**
 * What the block at depth says of each charge; a charge without an answer is unknown. Used and
 * cancelled are told apart by the logs of the one transaction that did it.
 */
async function answerCharges(
  context: DriverContext,
  charges: readonly Charge[],
  { sight, states, own }: Known,
): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  for (const [asset, ofAsset] of groupByAsset(charges)) {
    const ended = ofAsset.filter(({ due }) => states.get(due.chargeId) === true);
    const ends = await findEnds(context, asset, ended, { sight, own });
    for (const charge of ofAsset) {
      const answer =
        states.get(charge.due.chargeId) === true
          ? answerEnded(charge, ends.get(pairOf(charge)), own?.hash)
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

/** In the logs of the batch's own transaction, as most are; the others are searched for. */
async function findEnds(
  context: DriverContext,
  asset: Hex,
  charges: readonly Charge[],
  { sight, own }: Omit<Known, 'states'>,
): Promise<ReadonlyMap<string, AuthorizationEnd>> {
  const ends = new Map<string, AuthorizationEnd>();
  const add = (found: readonly AuthorizationEnd[]): void => {
    for (const end of found) ends.set(`${end.authorizer}/${end.nonce}`, end);
  };
  if (own !== undefined) add(endsOf(asset, own));
  const elsewhere = charges.filter((charge) => !ends.has(pairOf(charge)));
  if (elsewhere.length === 0) return ends;
  const toBlock = sight.deep.number;
  const fromBlock = Math.max(0, toBlock - context.settings.lookbackBlocksMax);
  const authorizations = elsewhere.map(authorizationOf);
  add(await context.chain.authorizationEvents({ asset, authorizations, fromBlock, toBlock }));
  return ends;
}

function endsOf(asset: Hex, { hash, receipt }: Own): readonly AuthorizationEnd[] {
  if (!receipt.succeeded) return [];
  const { blockNumber, blockHash, logs } = receipt;
  return authorizationEnds(asset, logs, { transactionHash: hash, blockNumber, blockHash });
}

function authorizationOf({ due }: Charge): { authorizer: Hex; nonce: Hex } {
  const { from, nonce } = due.authorization;
  return { authorizer: from as Hex, nonce: nonce as Hex };
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
  const waiting = [...held, ...late];
  const states = await readStates(context, waiting, sight);
  const answers = await answerCharges(context, waiting, { sight, states, own: undefined });
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
