import { encodeAggregate3, multicall3Address } from '@paycrawl/chain/multicall3';
import {
  bumpFees,
  type FeeCaps,
  readTransaction,
  signTransaction,
} from '@paycrawl/chain/transaction';
import type { Hex } from 'viem';
import { settlementCalls } from './calls.js';
import { appendOnce, type DriverContext, type Sight, trouble } from './driver-context.js';
import { type Attempt, type Batch, type Charge, chargeOf, deadlineMs } from './state.js';

/**
 * Measured (`npm run bench:settlement`): 30,000 around the calls, 50,000 for each, 72,000 when its
 * payee is paid for the first time; unused gas is free.
 */
const batchGas = 80_000n;
const transferGas = 130_000n;
/** A transfer of nothing to oneself: uses the nonce and nothing else. */
const clearingGas = 40_000n;

/** The batch's nonce is still free: make, send, repeat or outbid its attempts. */
export async function pushBatch(context: DriverContext, batch: Batch, sight: Sight): Promise<void> {
  const latest = batch.attempts.at(-1);
  if (latest === undefined) return proposeFirst(context, batch, sight);
  const outcome = await send(context, batch, latest);
  // Out of gas or refused for another reason: a higher fee is no remedy.
  if (outcome === 'refused') return;
  // Behind another batch of the lane a higher fee would change nothing.
  const isNext = sight.headNonce === batch.nonce;
  if (isNext && (outcome === 'underpriced' || isOvertaken(context, latest, sight))) {
    await proposeNext(context, batch, latest, sight);
  }
}

/** Whether there is anything to do about an attempt in force: to send it, again, or to outbid it. */
export function isToPush(context: DriverContext, attempt: Attempt): boolean {
  return !isWaiting(context, attempt) || isOld(context, attempt);
}

function isOld({ settings, clock }: DriverContext, attempt: Attempt): boolean {
  return clock() - (attempt.sentAtMs ?? attempt.inForceAtMs) >= settings.bumpAfterMs;
}

/** Blocks that an attempt must have missed: a chain that stands still is no market. */
const missedBlocksMin = 3;

function isOvertaken(context: DriverContext, latest: Attempt, sight: Sight): boolean {
  const { memory } = context;
  const sinceHead = memory.inForceSinceHead.get(latest.transactionHash);
  if (sinceHead === undefined) {
    memory.inForceSinceHead.set(latest.transactionHash, sight.headNumber);
    return false;
  }
  return isOld(context, latest) && sight.headNumber >= sinceHead + missedBlocksMin;
}

/** The code of payers is read again, because USDC asks an account that has code by now. */
async function proposeFirst(context: DriverContext, batch: Batch, sight: Sight): Promise<void> {
  context.onStep?.('sealed');
  const charges = batch.chargeIds
    .map((chargeId) => chargeOf(context.owned.state, chargeId))
    .filter((charge) => charge !== undefined);
  const payers = charges.map(({ due }) => due.authorization.from as Hex);
  const codes = await context.chain.hasCode(payers, 'latest');
  const found = charges.map((charge, index) => ({ charge, hasCode: codes[index] === true }));
  const withCode = batch.isAlone ? [] : found.filter(({ hasCode }) => hasCode);
  const going = batch.isAlone ? found : found.filter(({ hasCode }) => !hasCode);
  const calls = going.flatMap(({ charge, hasCode }) => settlementCalls(charge, hasCode));
  const fees = cap(context, await marketFees(sight));
  const isLate = isPastAll(charges, sight);
  await propose(context, batch, {
    attempt: 1,
    chargeIds: isLate ? [] : going.map(({ charge }) => charge.due.chargeId),
    withCode: isLate ? [] : withCode.map(({ charge }) => charge.due.chargeId),
    data: isLate || calls.length === 0 ? undefined : encodeAggregate3(calls),
    gasLimit: gasOf(context, batch, calls.length),
    fees,
  });
}

async function proposeNext(
  context: DriverContext,
  batch: Batch,
  latest: Attempt,
  sight: Sight,
): Promise<void> {
  const previous = {
    maxFeePerGasWei: BigInt(latest.maxFeePerGas),
    tipPerGasWei: BigInt(latest.maxPriorityFeePerGas),
  };
  const fees = bumpFees(previous, await marketFees(sight));
  if (fees.maxFeePerGasWei > context.settings.maxFeePerGasWeiMax) {
    trouble(context, 'settlement_fees_too_high', `batch ${batch.batchId} waits for lower fees`);
    return;
  }
  const charges = batch.chargeIds.map((chargeId) => chargeOf(context.owned.state, chargeId));
  const isLate = isPastAll(charges, sight) || latest.chargeIds.length === 0;
  const transaction = readTransaction(latest.rawTransaction as Hex);
  await propose(context, batch, {
    attempt: latest.attempt + 1,
    chargeIds: isLate ? [] : batch.chargeIds,
    withCode: [],
    data: isLate ? undefined : transaction?.data,
    gasLimit: transaction?.gasLimit ?? gasOf(context, batch, batch.chargeIds.length),
    fees,
  });
}

/** Nothing of the batch can succeed any more: only the nonce is to be cleared. */
function isPastAll(charges: readonly (Charge | undefined)[], sight: Sight): boolean {
  const headMs = sight.headTimestampS * 1000;
  return charges.every((charge) => charge === undefined || deadlineMs(charge.due) <= headMs);
}

interface Proposal {
  readonly attempt: number;
  readonly chargeIds: readonly string[];
  readonly withCode: readonly string[];
  /** None: clears the nonce. */
  readonly data: Hex | undefined;
  readonly gasLimit: bigint;
  readonly fees: FeeCaps;
}

async function propose(context: DriverContext, batch: Batch, proposal: Proposal): Promise<void> {
  const { attempt, data, fees } = proposal;
  const { signer, chain, settings } = context;
  const signed = await signTransaction(
    {
      chainId: chain.chainId,
      nonce: batch.nonce,
      to: data === undefined ? signer.address : multicall3Address,
      data: data ?? '0x',
      gasLimit: data === undefined ? clearingGas : proposal.gasLimit,
      ...fees,
    },
    signer.privateKey,
  );
  const proposed = {
    batchId: batch.batchId,
    attempt,
    network: settings.network,
    signer: signer.address,
    nonce: batch.nonce,
    chargeIds: [...proposal.chargeIds],
    withCode: [...proposal.withCode],
    transactionHash: signed.hash,
    rawTransaction: signed.raw,
    maxFeePerGas: fees.maxFeePerGasWei.toString(),
    maxPriorityFeePerGas: fees.tipPerGasWei.toString(),
  };
  const subject = attemptSubject(batch, attempt);
  await appendOnce(context, subject, 'AttemptProposed', proposed, batch.trace);
  context.onStep?.('proposed');
}

export function attemptSubject({ batchId }: Batch, attempt: number): string {
  return `attempt/${batchId}/${attempt}`;
}

/** A node has the bytes, and not so long that it may have forgotten them. */
function isWaiting({ memory, settings, clock }: DriverContext, attempt: Attempt): boolean {
  const lastMs = memory.lastSentAtMs.get(attempt.transactionHash);
  return lastMs !== undefined && clock() - lastMs < settings.resendAfterMs;
}

type SendOutcome = 'waiting' | 'sent' | 'underpriced' | 'refused';

/** Only bytes that came back through the log are sent; the same bytes again are harmless. */
async function send(context: DriverContext, batch: Batch, attempt: Attempt): Promise<SendOutcome> {
  const { memory } = context;
  if (isWaiting(context, attempt)) return 'waiting';
  const nowMs = context.clock();
  context.onStep?.('read_back');
  const answer = await context.chain.submit(attempt.rawTransaction as Hex);
  context.onStep?.('submitted');
  if (answer.outcome !== 'refused') {
    memory.lastSentAtMs.set(attempt.transactionHash, nowMs);
    if (attempt.sentAtMs === undefined) {
      const { transactionHash } = attempt;
      const sent = { batchId: batch.batchId, attempt: attempt.attempt, transactionHash };
      // It says when, and decides nothing: the next bytes need not wait for it.
      const subject = `sent/${transactionHash}`;
      context.beside(appendOnce(context, subject, 'AttemptSubmitted', sent, batch.trace));
    }
    return 'sent';
  }
  switch (answer.reason) {
    case 'nonce_too_low':
      // Mined, by us or by another: the next look at depth tells.
      return 'waiting';
    case 'underpriced':
      return 'underpriced';
    case 'insufficient_gas_funds':
      trouble(context, 'settlement_out_of_gas', `signer ${batch.signer} needs gas funds`);
      return 'refused';
    default:
      trouble(context, 'settlement_refused', `batch ${batch.batchId}: ${answer.detail}`);
      return 'refused';
  }
}

/** Twice the base fee outlives five full blocks in a row. */
async function marketFees(sight: Sight): Promise<FeeCaps> {
  const { baseFeeWei, tipWei } = await sight.fees();
  return { maxFeePerGasWei: baseFeeWei * 2n + tipWei, tipPerGasWei: tipWei };
}

function cap(context: DriverContext, fees: FeeCaps): FeeCaps {
  const max = context.settings.maxFeePerGasWeiMax;
  if (fees.maxFeePerGasWei <= max) return fees;
  // A tip above the whole fee would be refused as malformed.
  return fees.tipPerGasWei <= max
    ? { ...fees, maxFeePerGasWei: max }
    : { maxFeePerGasWei: max, tipPerGasWei: max };
}

function gasOf(context: DriverContext, batch: Batch, calls: number): bigint {
  if (batch.isAlone) return context.settings.aloneGasMax;
  return batchGas + transferGas * BigInt(calls);
}
