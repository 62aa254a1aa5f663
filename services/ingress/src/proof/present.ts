import type { QuoteKey } from '@paycrawl/crypto/quote-mac';
import type { Recover } from '@paycrawl/crypto/recover';
import { catalogue, type ErrorCode } from '@paycrawl/errors/catalogue';
import { chargeId as chargeIdOf, payerId } from '@paycrawl/events/ids';
import type { PaymentHeaders, Proof, ProofReading, ReadContext } from '@paycrawl/protocol/proof';
import { proveClaim, readClaim } from '@paycrawl/protocol/read-proof';
import { type Answer, problemAnswer } from '@paycrawl/service-kit/plain-http/answer';
import type { Exchange } from '@paycrawl/service-kit/plain-http/exchange';
import { type ChallengeDeps, challenge, type Price } from '../challenge/challenge.js';
import { type DeliverDeps, deliver } from '../delivery/deliver.js';
import { type Audience, type Declined, declined, type Served } from '../delivery/job.js';
import type { Visit } from '../http/visit.js';
import type { Place } from '../overload/newcomers.js';
import { type ShedDeps, shedChallenge, shedNewcomer } from '../overload/refusals.js';
import type { TokenOf } from '../site/token.js';
import type { AccountCheck } from './account-check.js';
import { type Admission, type AdmitDeps, admit } from './admit.js';
import type { InFlight } from './in-flight.js';
import { failedReceipts, type RefusedProof, reasonOfDecision, refusedEvent } from './refusals.js';
import type { ShortMemory } from './short-memory.js';

export interface PresentDeps extends AdmitDeps, DeliverDeps, ShedDeps {
  readonly challenges: ChallengeDeps;
  readonly accounts: AccountCheck;
  /** Amount that a payer could not pay a moment ago. */
  readonly penniless: ShortMemory<bigint>;
  readonly inFlight: InFlight;
  readonly tokenOf: TokenOf;
  readonly keys: readonly QuoteKey[];
  readonly recover: Recover;
  readonly skewMs: number;
  readonly marginS: () => number;
}

/** A priced request with a payment header: undefined when the answer was streamed already. */
export async function present(
  deps: PresentDeps,
  visit: Visit,
  price: Price,
  exchange: Exchange,
  headers: PaymentHeaders,
): Promise<Answer | undefined> {
  const reading = await readProof(deps, visit, price, headers);
  if (reading.kind === 'none') return challenge(deps.challenges, visit, price);
  if (reading.kind === 'refused') {
    const { code, status, x402Reason: reason, dialect, claimedPayer } = reading;
    return refuse(deps, visit, price, { code, status, reason, dialect, claimedPayer });
  }
  const { proof } = reading;
  const payer = payerId(proof.network, proof.payer);
  const lately = deps.penniless.recall(purse(payer, proof));
  if (lately !== undefined && proof.amount >= lately) {
    return refuse(deps, visit, price, ofProof('insufficient_funds', proof));
  }
  const shed = shedNewcomer(deps, payer);
  if (shed !== undefined) {
    deps.onProof('newcomers_overloaded');
    return shed;
  }
  const chargeId = chargeIdOf(proof.network, proof.asset, proof.payer, proof.authorization.nonce);
  const key = sharedKey(chargeId, visit, exchange);
  const { role, served } = deps.inFlight.share(key, exchange, (audience) =>
    serve(deps, { visit, price, proof, chargeId, payer, exchange, audience }),
  );
  return answerOf(deps, visit, price, proof, { role, served: await served });
}

interface ServeJob {
  readonly visit: Visit;
  readonly price: Price;
  readonly proof: Proof;
  readonly chargeId: string;
  readonly payer: string;
  readonly exchange: Exchange;
  readonly audience: Audience;
}

async function serve(deps: PresentDeps, job: ServeJob): Promise<Served> {
  const { visit, proof, payer, chargeId, exchange, audience } = job;
  const entered = deps.newcomers.enter(payer);
  const place = typeof entered === 'string' ? entered : await entered;
  if (place === undefined) {
    return declined('newcomers_overloaded', 'Payers that were here before go first.');
  }
  const admission = await admitAt(deps, job, place);
  switch (admission.kind) {
    case 'declined':
      return admission;
    case 'undecided':
      return declined('decision_unknown', 'Present the same payment again.');
    case 'rejected':
      learn(deps, payer, proof, admission.code);
      return declined(admission.code, 'The payment was not accepted.');
    case 'leased': {
      deps.newcomers.hasPaid(payer);
      deps.gate.paidOver(exchange.credit);
      const { source, clock } = deps;
      const { lease } = admission;
      const paid = { visit, proof, chargeId, payer, lease, exchange, audience, source, clock };
      return deliver(deps, paid);
    }
    default:
      return admission satisfies never;
  }
}

/** Keeps its place among those who are decided about until there is a decision. */
async function admitAt(
  deps: PresentDeps,
  { visit, price, proof, chargeId, payer, audience }: ServeJob,
  place: Place,
): Promise<Admission | Declined> {
  try {
    // It may have waited, and nothing of it is written: the same proof may come again.
    if (audience.isGone()) return declined('newcomers_overloaded', 'Nobody waits for it.');
    const token = deps.tokenOf(proof.network, proof.asset) ?? price.token;
    const verdict = await deps.accounts.check(proof, token);
    if (verdict.kind === 'unavailable') {
      return declined('chain_unavailable', 'The chain was asked about this account in vain.');
    }
    if (verdict.kind === 'invalid') return declined('proof_signature_invalid', '');
    return await admit(deps, { visit, price, proof, chargeId, payer, signatureCheck: verdict });
  } finally {
    deps.newcomers.leave(place);
  }
}

function learn(deps: PresentDeps, payer: string, proof: Proof, code: ErrorCode): void {
  if (code === 'insufficient_funds') {
    deps.penniless.remember(purse(payer, proof), proof.amount);
    deps.newcomers.hasNothing(payer);
  }
  if (code === 'needs_account_check') deps.accounts.rememberCode(proof.payer);
}

/** Each of those who shared a proof gets its own answer: a 402 carries a challenge of its own. */
async function answerOf(
  deps: PresentDeps,
  visit: Visit,
  price: Price,
  proof: Proof,
  { role, served }: { readonly role: 'owner' | 'joined'; readonly served: Served },
): Promise<Answer | undefined> {
  switch (served.kind) {
    case 'answered':
      deps.onProof(role === 'owner' ? 'served' : 'joined');
      return served.answer;
    case 'streamed':
      if (role === 'owner') return undefined;
      return problemAnswer('delivery_in_progress', 'This payment is being delivered elsewhere.');
    case 'declined':
      return decline(deps, visit, price, proof, served.code, served.detail);
    default:
      return served satisfies never;
  }
}

async function decline(
  deps: PresentDeps,
  visit: Visit,
  price: Price,
  proof: Proof,
  code: ErrorCode,
  detail: string,
): Promise<Answer> {
  if (code === 'proof_signature_invalid') {
    return refuse(deps, visit, price, {
      ...ofProof(code, proof),
      reason: 'invalid_exact_evm_signature',
    });
  }
  deps.onProof(code);
  if (catalogue[code].status !== 402) return problemAnswer(code, detail);
  const reason = reasonOfDecision(code);
  const receipts = failedReceipts(reason, proof);
  return challenge(deps.challenges, visit, price, { code, reason, receipts });
}

function ofProof(code: ErrorCode, proof: Proof): RefusedProof {
  return {
    code,
    reason: reasonOfDecision(code),
    status: catalogue[code].status,
    dialect: proof.dialect,
    challengeId: proof.quote?.challengeId,
    claimedPayer: proof.payer,
  };
}

/** The payer's partition stays untouched; the refusal is durable before it is answered. */
async function refuse(
  deps: PresentDeps,
  visit: Visit,
  price: Price,
  refused: RefusedProof,
): Promise<Answer> {
  const { code, reason } = refused;
  // A refusal is written like a challenge, so it has no more right to the log than one.
  const shed = shedChallenge(deps);
  deps.onProof(shed === undefined ? code : 'challenges_overloaded');
  if (shed !== undefined) return shed;
  const event = refusedEvent(visit, refused, deps.source);
  if (refused.status === 402) {
    return challenge(deps.challenges, visit, price, { code, reason, refused: event });
  }
  await deps.appender.append([event]);
  return problemAnswer(code, reason);
}

/** Others are read meanwhile where the recovery is another thread's. */
async function readProof(
  deps: PresentDeps,
  visit: Visit,
  price: Price,
  headers: PaymentHeaders,
): Promise<ProofReading> {
  const reading = readClaim(headers, readContext(deps, visit, price));
  if (reading.kind !== 'claim') return reading;
  const { digest, signature } = reading.signed;
  return proveClaim(reading, await deps.recover(digest, signature));
}

function readContext(deps: PresentDeps, visit: Visit, price: Price): ReadContext {
  const { network, asset } = price.token;
  return {
    method: visit.method,
    url: visit.url,
    nowMs: visit.atMs,
    skewMs: deps.skewMs,
    keys: deps.keys,
    marginS: deps.marginS(),
    tokenOf: deps.tokenOf,
    current: { network, asset, payTo: visit.site.payTo, amount: price.amount.atomic },
  };
}

const decisiveHeaders = [
  'range',
  'if-none-match',
  'if-modified-since',
  'accept',
  'accept-encoding',
] as const;

/** Requests share an answer only if the origin would give all of them the same one. */
function sharedKey(chargeId: string, visit: Visit, exchange: Exchange): string {
  let key = `${chargeId} ${visit.method} ${visit.url}`;
  // No value of a header holds a line feed, so the key has one reading.
  for (const name of decisiveHeaders) key += `\n${exchange.header(name) ?? ''}`;
  return key;
}

function purse(payer: string, { asset }: Proof): string {
  return `${payer}/${asset}`;
}
