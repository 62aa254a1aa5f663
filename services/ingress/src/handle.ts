import { PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import { matchRule, type Ruling } from '@paycrawl/pricing/match-rule';
import type { PaymentHeaders } from '@paycrawl/protocol/proof';
import { carriesProof } from '@paycrawl/protocol/read-proof';
import { type Answer, problemAnswer } from '@paycrawl/service-kit/plain-http/answer';
import type { Exchange } from '@paycrawl/service-kit/plain-http/exchange';
import { beginRequestSpan } from '@paycrawl/service-kit/request-span';
import type { Telemetry } from '@paycrawl/service-kit/telemetry';
import { challenge, type Price } from './challenge/challenge.js';
import { preflightAnswer } from './http/preflight.js';
import { readVisit, type Visit } from './http/visit.js';
import { shedChallenge, shedPayment } from './overload/refusals.js';
import { type PresentDeps, present } from './proof/present.js';
import { passThrough } from './proxy/pass-through.js';
import type { Sites } from './site/sites.js';

export interface HandleDeps extends PresentDeps {
  readonly sites: Sites;
  readonly nextRequestId: () => string;
  /** Undefined: nothing is traced. */
  readonly telemetry?: Telemetry | undefined;
  /** `refused`, or what the price book said about the request. */
  readonly onRuling: (ruling: Ruling['kind'] | 'refused') => void;
  readonly onFailure: (error: unknown, requestId: string) => void;
}

const unruled: Ruling = { kind: 'unruled' };

/** One request, from its line to its last byte; never rejects. */
export async function handle(deps: HandleDeps, exchange: Exchange): Promise<void> {
  const requestId = deps.nextRequestId();
  try {
    const answer = await answerFor(deps, exchange, requestId);
    if (answer === undefined) return;
    exchange.answer(answer);
    if (deps.onStep !== undefined && carriesProof(paymentHeaders(exchange))) {
      deps.onStep('answered');
    }
  } catch (error) {
    const isKnown = error instanceof PaycrawlError;
    if (!isKnown || error.status >= 500) deps.onFailure(error, requestId);
    if (exchange.isBegun()) return exchange.destroy();
    exchange.answer(
      isKnown ? problemAnswer(error.code, error.detail) : problemAnswer('internal', ''),
    );
  }
}

/** Undefined when the answer was streamed already. A promise only where something is waited for. */
type Owed = Answer | undefined | Promise<Answer | undefined>;

function answerFor(deps: HandleDeps, exchange: Exchange, requestId: string): Owed {
  const { sites, scheme, clock, telemetry } = deps;
  const trace = telemetry && traced(telemetry, exchange);
  const reading = readVisit(exchange, { sites, scheme, requestId, trace, atMs: clock() });
  if (reading.kind === 'refused') {
    deps.onRuling('refused');
    return problemAnswer(reading.code, reading.detail);
  }
  const { visit } = reading;
  const { book } = visit.site;
  const ruling = book === undefined ? unruled : matchRule(book, visit);
  deps.onRuling(ruling.kind);
  switch (ruling.kind) {
    case 'unruled':
    case 'free':
      return passThrough(deps, visit, exchange).then(() => undefined);
    case 'blocked':
      return problemAnswer('crawler_blocked', 'The publisher does not let this crawler in.');
    case 'priced':
      return pricedAnswer(deps, visit, ruling, exchange);
    default:
      return ruling satisfies never;
  }
}

function pricedAnswer(
  deps: HandleDeps,
  visit: Visit,
  { rule, amount }: Ruling & { kind: 'priced' },
  exchange: Exchange,
): Owed {
  const { site } = visit;
  if (visit.method === 'OPTIONS') return preflightAnswer;
  if (site.isFrozen) return problemAnswer('publisher_frozen', 'Payments to it are stopped.');
  if (site.token === undefined) {
    return problemAnswer('asset_not_configured', 'Ask the operator of this ingress.');
  }
  const price: Price = { rule, amount, token: site.token };
  const headers = paymentHeaders(exchange);
  if (!carriesProof(headers)) {
    return shedChallenge(deps, exchange.credit) ?? challenge(deps.challenges, visit, price);
  }
  return shedPayment(deps) ?? present(deps, visit, price, exchange, headers);
}

function traced(telemetry: Telemetry, exchange: Exchange): string | undefined {
  const { method, target } = exchange;
  const traceparent = exchange.header('traceparent');
  const span = beginRequestSpan(telemetry, 'ingress', { method, target, traceparent });
  if (span === undefined) return undefined;
  exchange.onEnd((isComplete, status) => span.end(status, isComplete));
  return span.trace;
}

function paymentHeaders(exchange: Exchange): PaymentHeaders {
  return {
    paymentSignature: exchange.header('payment-signature'),
    xPayment: exchange.header('x-payment'),
  };
}
