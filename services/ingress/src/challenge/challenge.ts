import type { QuoteKey } from '@paycrawl/crypto/quote-mac';
import type { ErrorCode } from '@paycrawl/errors/catalogue';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { AnyEvent, EventOfType } from '@paycrawl/events/event';
import type { Amount } from '@paycrawl/money/money';
import type { PriceRule } from '@paycrawl/pricing/price-book';
import { quoteWriter } from '@paycrawl/protocol/quote';
import * as V1Offer from '@paycrawl/protocol/x402-v1-exact/offer';
import * as V2Offer from '@paycrawl/protocol/x402-v2-exact/offer';
import { type Answer, problemAnswer } from '@paycrawl/service-kit/plain-http/answer';
import type { Visit } from '../http/visit.js';
import type { Addressed, Appender } from '../log/appender.js';
import type { PreparedOffers, Site, Sites } from '../site/sites.js';
import type { PaymentToken } from '../site/token.js';

/** What a priced request costs, with the token that it is paid in. */
export interface Price {
  readonly rule: PriceRule;
  readonly amount: Amount;
  readonly token: PaymentToken;
}

/** Why this 402 follows a payment, in our word and in that of x402. */
export interface Failure {
  readonly code: ErrorCode;
  readonly reason: string;
  /** Written together with the challenge, where the refusal is an event of the ingress. */
  readonly refused?: Addressed;
  /** PAYMENT-RESPONSE and X-PAYMENT-RESPONSE of a payment that was not accepted. */
  readonly receipts?: Readonly<Record<string, string>>;
}

export interface GasRule {
  /** A price below this multiple of its gas is not offered; 0 switches the rule off. */
  readonly multiple: bigint;
  /** Price of the network's own asset in millionths of the currency (USDC's atomic units). */
  readonly nativeAssetMicros: bigint;
}

export interface ChallengeDeps {
  readonly appender: Appender;
  readonly sites: Sites;
  /** The first key signs. */
  readonly keys: readonly QuoteKey[];
  readonly nextId: () => string;
  readonly source: string;
  readonly quoteLifetimeS: number;
  readonly offeredWindowS: number;
  readonly offeredWindowSMax: number;
  readonly gas: GasRule;
  readonly onIssued: () => void;
}

// One answer for one crawler, one payment: nothing of it may be reused for another request.
const varied = 'User-Agent, PAYMENT-SIGNATURE, X-PAYMENT';
export const exposedHeaders = 'PAYMENT-REQUIRED, PAYMENT-RESPONSE, X-PAYMENT-RESPONSE';
const preparedWindows = new WeakMap<PreparedOffers, number>();

/** The 402: both offers in one answer, and durable in the log before it is sent. */
export async function challenge(
  deps: ChallengeDeps,
  visit: Visit,
  price: Price,
  failure?: Failure,
): Promise<Answer> {
  const isWorthIt = isExactWorthIt(deps, price.amount.atomic);
  const isV2 = isWorthIt && !deps.sites.isWithdrawn('x402-v2-exact');
  const isV1 = isWorthIt && !deps.sites.isWithdrawn('x402-v1-exact');
  if (!isV1 && !isV2) {
    if (failure?.refused !== undefined) await deps.appender.append([failure.refused]);
    return problemAnswer('offers_withdrawn', 'Settlement is catching up.');
  }
  const challengeId = deps.nextId();
  const expiresAtS = Math.floor(visit.atMs / 1000) + deps.quoteLifetimeS;
  const issued = issuedEvent(deps, visit, price, { challengeId, expiresAtS });
  const { publisherId } = visit.site;
  const prepared = preparedOffers(deps, visit, price);
  const events: Addressed[] = [{ topic: 'challenges', key: publisherId, event: issued }];
  if (failure?.refused !== undefined) events.unshift(failure.refused);
  const answer = offerAnswer(visit, prepared, { challengeId, expiresAtS, failure, isV1, isV2 });
  await deps.appender.append(events);
  deps.onIssued();
  return answer;
}

const weiPerNative = 10n ** 18n;

/**
 * `exact` moves every payment by itself: it ends where the queue of settlement fills half of the
 * longest window that is offered, and where gas eats the price.
 */
function isExactWorthIt({ sites, offeredWindowSMax, gas }: ChallengeDeps, atomic: bigint): boolean {
  if (2 * sites.marginS() > offeredWindowSMax) return false;
  const gasMicros = sites.gasCostWeiPerCharge() * gas.nativeAssetMicros;
  return atomic * weiPerNative >= gas.multiple * gasMicros;
}

interface Issue {
  readonly challengeId: string;
  readonly expiresAtS: number;
}

interface OfferDetails extends Issue {
  readonly failure: Failure | undefined;
  readonly isV1: boolean;
  readonly isV2: boolean;
}

function offerAnswer(visit: Visit, prepared: PreparedOffers, details: OfferDetails): Answer {
  const { failure, challengeId, expiresAtS } = details;
  const headers: Record<string, string> = {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    vary: varied,
    'access-control-expose-headers': exposedHeaders,
  };
  if (failure?.receipts !== undefined) Object.assign(headers, failure.receipts);
  if (details.isV2) {
    const { method, url } = visit;
    const error = failure?.reason ?? 'Payment required';
    const compact = prepared.writeQuote(method, url, challengeId, expiresAtS);
    headers['payment-required'] = V2Offer.writeOffer(prepared.v2, error, shown(url), compact);
  }
  const v1 = details.isV1 ? prepared.v1 : V1Offer.noOffer;
  const error = failure?.reason ?? 'X-PAYMENT header is required';
  const body = V1Offer.writeOffer(v1, error, shown(visit.url), failure?.code);
  return { status: 402, headers, body };
}

function preparedOffers(deps: ChallengeDeps, visit: Visit, price: Price): PreparedOffers {
  // Twice the margin: whoever signs at once leaves settlement at least one margin.
  const windowS = Math.max(deps.offeredWindowS, 2 * deps.sites.marginS());
  const known = visit.site.offers.get(price.rule);
  if (known !== undefined && preparedWindows.get(known) === windowS) return known;
  const terms: V2Offer.OfferTerms = {
    token: price.token,
    payTo: visit.site.payTo,
    amount: price.amount.atomic.toString(),
    description:
      price.rule.description ?? `One crawl of a page of ${visit.site.name}`.slice(0, 200),
    mimeType: 'text/html',
    maxTimeoutSeconds: windowS,
  };
  const [key] = deps.keys;
  if (key === undefined) throw fail('internal', 'No quote key.');
  const quoted = quotedOfAll(visit.site, price);
  const prepared: PreparedOffers = {
    v2: V2Offer.prepareOffer(terms),
    v1: V1Offer.prepareOffer(terms),
    writeQuote: quoteWriter(key, quoted, quoted),
  };
  preparedWindows.set(prepared, windowS);
  visit.site.offers.set(price.rule, prepared);
  return prepared;
}

/** What the quotes of all requests under one rule share. */
function quotedOfAll(site: Site, { rule, amount, token }: Price) {
  return {
    ruleId: rule.id,
    ruleVersion: site.bookVersion,
    network: token.network,
    asset: token.asset,
    amount: amount.atomic.toString(),
    payTo: site.payTo,
  };
}

const shownLengthMax = 1_000;

/** The quote binds the whole URL; what people read may be shorter, so that the header stays small. */
function shown(url: string): string {
  if (url.length <= shownLengthMax) return url;
  const path = url.indexOf('?') < 0 ? url : url.slice(0, url.indexOf('?'));
  return path.length <= shownLengthMax ? path : url.slice(0, url.indexOf('/', 8) + 1);
}

function issuedEvent(
  deps: ChallengeDeps,
  visit: Visit,
  price: Price,
  { challengeId, expiresAtS }: Issue,
): AnyEvent {
  const data: EventOfType<'ChallengeIssued'>['data'] = {
    challengeId,
    publisherId: visit.site.publisherId,
    requestId: visit.requestId,
    method: visit.method,
    host: visit.host,
    path: visit.path,
    crawler: visit.crawler.name,
    ruleId: price.rule.id,
    ruleVersion: visit.site.bookVersion,
    network: price.token.network,
    asset: price.token.asset,
    amount: price.amount.atomic.toString(),
    payTo: visit.site.payTo,
    expiresAtMs: expiresAtS * 1000,
  };
  const { source } = deps;
  const { atMs: timeMs, trace } = visit;
  return { type: 'ChallengeIssued', id: challengeId, source, timeMs, trace, data };
}
