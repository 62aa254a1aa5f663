import { hasCode } from '@paycrawl/errors/paycrawl-error';
import type { AnyEvent, EventOfType, Mutable } from '@paycrawl/events/event';
import type { Proof } from '@paycrawl/protocol/proof';
import type { Price } from '../challenge/challenge.js';
import type { Decision, Decisions } from '../decisions/decisions.js';
import type { Lease } from '../delivery/job.js';
import type { Reporter } from '../delivery/reporter.js';
import type { Visit } from '../http/visit.js';
import type { Appender } from '../log/appender.js';
import type { IngressStep } from '../steps.js';

export interface AdmitDeps {
  readonly appender: Appender;
  readonly decisions: Decisions;
  readonly reporter: Reporter;
  readonly ingressId: string;
  readonly source: string;
  readonly decideWithinMs: number;
  readonly leaseMs: number;
  readonly clock: () => number;
  /** How long a decision took, from before the append. */
  readonly onDecided: (tookMs: number, kind: Decision['kind']) => void;
  readonly onStep?: ((step: IngressStep) => void) | undefined;
}

/** A proof on its way into its payer's partition. */
export interface Presentation {
  readonly visit: Visit;
  readonly price: Price;
  readonly proof: Proof;
  readonly chargeId: string;
  /** CAIP-10. */
  readonly payer: string;
  readonly signatureCheck: EventOfType<'ProofReceived'>['data']['signatureCheck'];
}

export type Admission =
  | { readonly kind: 'leased'; readonly lease: Lease }
  | Exclude<Decision, { readonly kind: 'accepted' }>;

/** Writes the proof into the payer's partition and waits for what the verifier makes of it. */
export async function admit(deps: AdmitDeps, presentation: Presentation): Promise<Admission> {
  const { visit, payer } = presentation;
  // Counted from before the append: the verifier's own count can only begin later.
  const leaseFromMs = performance.now();
  const partition = deps.appender.partitionOf('payments', payer);
  const expectation = deps.decisions.expect(partition, visit.requestId);
  const received = receivedEvent(deps, presentation);
  try {
    await deps.appender.append([{ topic: 'payments', key: payer, event: received }]);
  } catch (error) {
    expectation.cancel();
    // Perhaps it was written all the same, and opened a hold that nobody would use.
    if (!hasCode(error, 'log_overloaded')) giveUp(deps, presentation);
    throw error;
  }
  deps.onStep?.('proof_appended');
  const decision = await expectation.decision;
  deps.onDecided(performance.now() - leaseFromMs, decision.kind);
  deps.onStep?.('decided');
  switch (decision.kind) {
    case 'accepted': {
      const { leaseId, leaseMs, charge } = decision;
      return { kind: 'leased', lease: { leaseId, charge, endsAtMs: leaseFromMs + leaseMs } };
    }
    case 'undecided':
      giveUp(deps, presentation);
      return decision;
    default:
      return decision;
  }
}

/** Ends the hold or wait that this request opened, without knowing what was decided. */
function giveUp(deps: AdmitDeps, { visit, chargeId, payer }: Presentation): void {
  const { requestId } = visit;
  const data = { chargeId, payer, requestId, outcome: 'abandoned', status: 0, bytes: 0 } as const;
  const event: AnyEvent = {
    type: 'CrawlNotDelivered',
    id: `${requestId}/abandoned`,
    source: deps.source,
    timeMs: deps.clock(),
    trace: visit.trace,
    data,
  };
  deps.reporter.reportEventually(payer, event);
}

function receivedEvent(deps: AdmitDeps, presentation: Presentation): AnyEvent {
  const { visit, price, proof, chargeId, payer, signatureCheck } = presentation;
  const { quote, paymentId, payloadHash } = proof;
  const data: Mutable<EventOfType<'ProofReceived'>['data']> = {
    chargeId,
    payer,
    publisherId: visit.site.publisherId,
    network: proof.network,
    asset: proof.asset,
    amount: proof.amount.toString(),
    method: visit.method,
    host: visit.host,
    path: visit.path,
    crawler: visit.crawler.name,
    ruleId: quote?.ruleId ?? price.rule.id,
    ruleVersion: quote?.ruleVersion ?? visit.site.bookVersion,
    dialect: proof.dialect,
    kind: 'crawl',
    requestId: visit.requestId,
    ingressId: deps.ingressId,
    payTo: proof.payTo,
    authorization: proof.authorization,
    signature: proof.signature,
    signatureCheck,
    decideWithinMs: deps.decideWithinMs,
    leaseMs: deps.leaseMs,
  };
  // Assigned, not spread: a spread into a large literal costs more than all the rest of this.
  if (quote !== undefined) data.challengeId = quote.challengeId;
  if (paymentId !== undefined) data.paymentId = paymentId;
  if (payloadHash !== undefined) data.payloadHash = payloadHash;
  const { source } = deps;
  const { requestId: id, atMs: timeMs, trace } = visit;
  return { type: 'ProofReceived', id, source, timeMs, trace, data };
}
