import type { EventOfType } from '@paycrawl/events/event';
import type {
  FacilitatorReading,
  FacilitatorRequest,
  VerifyAnswer,
} from '@paycrawl/protocol/facilitator';
import {
  type Admission,
  account,
  admissionKey,
  frozenKey,
  obligations,
} from '../admission/state.js';
import {
  appendChallenge,
  askAccount,
  type FacilitatorContext,
  type Subject,
  subjectOf,
} from './context.js';
import { reasonOf } from './reasons.js';

/** An event and an answer, without a hold or a change of state. */
export async function verify(
  reading: FacilitatorReading,
  accountId: string,
  context: FacilitatorContext,
): Promise<VerifyAnswer> {
  const answer = await answerOf(reading, accountId, context);
  await appendChallenge(context, accountId, eventOf(reading, answer, accountId, context));
  return answer;
}

async function answerOf(
  reading: FacilitatorReading,
  accountId: string,
  context: FacilitatorContext,
): Promise<VerifyAnswer> {
  if (reading.kind === 'refused') {
    const payer = reading.claimedPayer === undefined ? {} : { payer: reading.claimedPayer };
    return { isValid: false, invalidReason: reading.x402Reason, ...payer };
  }
  const { payer, dialect } = reading;
  const code = await refusalOf(reading, accountId, context);
  if (code === undefined) return { isValid: true, payer };
  return { isValid: false, invalidReason: reasonOf(code, dialect), payer };
}

async function refusalOf(
  request: FacilitatorRequest,
  accountId: string,
  context: FacilitatorContext,
): Promise<string | undefined> {
  const subject = subjectOf(request, context);
  // An account stands in place of a publisher, and is frozen like one.
  const isFrozen = context.stateOf(subject.partition)?.get(`F/${accountId}`) !== undefined;
  if (isFrozen) return 'publisher_frozen';
  const { token, authorization, check } = request;
  const asset = token.asset as `0x${string}`;
  const nonce = authorization.nonce as `0x${string}`;
  const payer = request.payer as `0x${string}`;
  const seen = await context.observer.observe({ payer, asset, nonce });
  // What an account with code says counts, also where the key of the address has signed.
  if (check.kind === 'needs_account' || seen.hasCode) {
    const { valid } = await askAccount(request, context.chain);
    if (!valid) return 'proof_signature_invalid';
  }
  if (seen.isNonceUsed) return 'nonce_already_used';
  return refusalByFold(subject, seen.balance, request, context);
}

/** What this process knows beyond the chain: nonces in use, and what the payer owes already. */
function refusalByFold(
  { payer, chargeId, partition }: Subject,
  balance: bigint,
  { token, amount }: FacilitatorRequest,
  context: FacilitatorContext,
): string | undefined {
  const state = context.stateOf(partition);
  const known = state?.get<Admission>(admissionKey(chargeId))?.status;
  if (known === 'held' || known === 'charged' || known === 'lost') return 'nonce_already_used';
  if (state?.get(frozenKey(payer)) !== undefined) return 'payer_frozen';
  const open =
    state === undefined ? 0n : obligations(account(state, { payer, asset: token.asset }));
  return amount > balance - open ? 'insufficient_funds' : undefined;
}

function eventOf(
  reading: FacilitatorReading,
  answer: VerifyAnswer,
  accountId: string,
  context: FacilitatorContext,
): EventOfType<'VerificationAnswered'> {
  const requestId = context.newId();
  const what =
    reading.kind === 'request'
      ? { network: reading.token.network, amount: reading.amount.toString() }
      : { network: reading.networkName };
  return {
    type: 'VerificationAnswered',
    id: `verification/${requestId}`,
    source: 'verifier',
    timeMs: context.clock(),
    trace: context.trace,
    data: {
      publisherId: accountId,
      requestId,
      isValid: answer.isValid,
      ...(answer.isValid ? {} : { reason: answer.invalidReason }),
      ...(answer.payer === undefined ? {} : { payer: answer.payer }),
      ...what,
    },
  };
}
