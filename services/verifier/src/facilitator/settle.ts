import { fail } from '@paycrawl/errors/paycrawl-error';
import { type AnyEvent, type EventOfType, encodeEvent } from '@paycrawl/events/event';
import type { SignatureCheck } from '@paycrawl/events/schema';
import { physicalTopic } from '@paycrawl/events/topics';
import type {
  FacilitatorReading,
  FacilitatorRequest,
  SettleAnswer,
} from '@paycrawl/protocol/facilitator';
import type { Refusal } from '@paycrawl/protocol/refusal';
import type { Static } from '@sinclair/typebox';
import type { ChargeEnd } from '../admission/state.js';
import {
  appendChallenge,
  askAccount,
  type FacilitatorContext,
  type Subject,
  subjectOf,
} from './context.js';
import type { Decision, Expected } from './decision-hub.js';
import { reasonOf } from './reasons.js';

type Check = Static<typeof SignatureCheck>;
type Refused = Refusal & { readonly networkName: string };

/** Above `decideWithinMs`: the fold answers at the latest by its own clock, a second late. */
const decisionSlackMs = 2_000;
/** Nothing is delivered under the lease of a facilitated proof; the event wants one. */
const leaseMs = 1_000;

/** Accepts and posts the charge, waits a bounded time for its end, and says how it stands. */
export async function settle(
  reading: FacilitatorReading,
  accountId: string,
  context: FacilitatorContext,
): Promise<SettleAnswer> {
  if (reading.kind === 'refused') return refuse(reading, accountId, context);
  const { payer, networkName: network, dialect } = reading;
  const failed = (errorReason: string, transaction = ''): SettleAnswer => ({
    ...{ success: false, errorReason, payer, transaction, network },
  });
  let check: Check | 'invalid' = { kind: 'recovered' };
  if (reading.check.kind === 'needs_account') check = await checkByAccount(reading, context);
  for (;;) {
    if (check === 'invalid') return failed(reasonOf('proof_signature_invalid', dialect));
    const result = await present(reading, check, { accountId, context });
    if (result.kind === 'settled') {
      return { success: true, payer, transaction: result.transactionHash, network };
    }
    if (result.kind === 'pending') return failed('settlement_pending', result.transactionHash);
    if (result.kind === 'uncollectible') return failed('invalid_transaction_state');
    const isAsked: boolean = check.kind === 'asked';
    // The fold knows code at this address: the account is asked, and the proof goes once more.
    if (result.code !== 'needs_account_check' || isAsked) {
      return failed(reasonOf(result.code, dialect));
    }
    check = await checkByAccount(reading, context);
  }
}

async function checkByAccount(
  request: FacilitatorRequest,
  { chain }: FacilitatorContext,
): Promise<Check | 'invalid'> {
  const { valid, blockNumber } = await askAccount(request, chain);
  return valid ? { kind: 'asked', blockNumber } : 'invalid';
}

type Result =
  | ChargeEnd
  | { readonly kind: 'pending'; readonly transactionHash: string }
  | { readonly kind: 'rejected'; readonly code: string };

interface Presenter {
  readonly accountId: string;
  readonly context: FacilitatorContext;
}

/** Writes the proof, waits for the decision, then for the end of the charge. */
async function present(
  request: FacilitatorRequest,
  check: Check,
  { accountId, context }: Presenter,
): Promise<Result> {
  const { config, hub } = context;
  const subject = subjectOf(request, context);
  const requestId = context.newId();
  const { partition, chargeId } = subject;
  const expected = await hub.expect({ partition, requestId, chargeId });
  try {
    const proof = proofOf(request, subject, { check, requestId, accountId, context });
    await append(context, subject, proof);
    const decision = await decisionOf(expected, config.facilitator.decideWithinMs, context);
    if (decision === undefined) {
      await append(context, subject, abandonedOf(subject, requestId, context));
      throw fail('decision_unknown', 'The payment was not decided in time.');
    }
    if (decision.kind === 'rejected') return decision;
    const { settleWithinMs } = config.facilitator;
    const end = decision.end ?? (await within(expected.end, settleWithinMs, context.closing));
    return end ?? { kind: 'pending', transactionHash: expected.transactionHash() };
  } finally {
    expected.cancel();
  }
}

function decisionOf(
  { decision }: Expected,
  decideWithinMs: number,
  { closing }: FacilitatorContext,
): Promise<Decision | undefined> {
  return within(decision, decideWithinMs + decisionSlackMs, closing);
}

/** The value, or undefined when the time is over or the service closes. */
async function within<Value>(
  promise: Promise<Value>,
  timeoutMs: number,
  closing: AbortSignal,
): Promise<Value | undefined> {
  let over: () => void = () => {};
  const late = new Promise<undefined>((resolve) => {
    over = () => resolve(undefined);
  });
  const timer = setTimeout(over, timeoutMs);
  closing.addEventListener('abort', over);
  if (closing.aborted) over();
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    closing.removeEventListener('abort', over);
  }
}

async function append(
  { producer }: FacilitatorContext,
  { partition, payer }: Subject,
  event: AnyEvent,
): Promise<void> {
  const topic = physicalTopic('payments');
  await producer.append([{ topic, partition, key: payer, value: encodeEvent(event) }]);
}

interface Writing extends Presenter {
  readonly check: Check;
  readonly requestId: string;
}

function proofOf(
  { dialect, token, payTo, amount, authorization, signature }: FacilitatorRequest,
  { payer, chargeId }: Subject,
  { check, requestId, accountId, context }: Writing,
): EventOfType<'ProofReceived'> {
  return {
    type: 'ProofReceived',
    id: `proof/${requestId}`,
    source: 'verifier',
    timeMs: context.clock(),
    trace: context.trace,
    data: {
      ...{ chargeId, payer, publisherId: accountId },
      ...{ network: token.network, asset: token.asset, amount: amount.toString() },
      // Somebody else's resource: what is bought there is not ours to know.
      ...{ method: 'POST', host: 'facilitator', path: '/settle', crawler: '' },
      ...{ ruleId: 'facilitator', ruleVersion: 0, dialect, kind: 'facilitated' },
      ...{ requestId, ingressId: context.ingressId },
      ...{ payTo, authorization, signature, signatureCheck: check },
      ...{ decideWithinMs: context.config.facilitator.decideWithinMs, leaseMs },
    },
  };
}

function abandonedOf(
  { payer, chargeId }: Subject,
  requestId: string,
  context: FacilitatorContext,
): EventOfType<'CrawlNotDelivered'> {
  return {
    type: 'CrawlNotDelivered',
    id: `abandoned/${requestId}`,
    source: 'verifier',
    timeMs: context.clock(),
    trace: context.trace,
    data: { chargeId, payer, requestId, outcome: 'abandoned', status: 503, bytes: 0 },
  };
}

/** Refused before it reaches the payer's partition: an event under the account, and an answer. */
async function refuse(
  { code, x402Reason, claimedPayer, networkName: network, status }: Refused,
  accountId: string,
  context: FacilitatorContext,
): Promise<SettleAnswer> {
  const requestId = context.newId();
  await appendChallenge(context, accountId, {
    type: 'ProofRefused',
    id: `refused/${requestId}`,
    source: 'verifier',
    timeMs: context.clock(),
    trace: context.trace,
    data: {
      ...{ publisherId: accountId, requestId, code, reason: x402Reason, status },
      ...{ method: 'POST', host: 'facilitator', path: '/settle', crawler: '' },
      ...(claimedPayer === undefined ? {} : { claimedPayer }),
    },
  });
  const payer = claimedPayer === undefined ? {} : { payer: claimedPayer };
  return { success: false, errorReason: x402Reason, ...payer, transaction: '', network };
}
