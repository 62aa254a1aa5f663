import { randomBytes } from 'node:crypto';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { type AnyEvent, encodeEvent, type RegistryEvent } from '@paycrawl/events/event';
import { chargeId, payerId } from '@paycrawl/events/ids';
import { type Asked, readVisit, type Visit } from '@paycrawl/ingress/http/visit';
import { createSites, type Sites } from '@paycrawl/ingress/site/sites';
import { knownTokens, type PaymentToken, tokenLookup } from '@paycrawl/ingress/site/token';
import type { Proof, ReadContext } from '@paycrawl/protocol/proof';
import { type Quote, type QuotedTerms, writeQuote } from '@paycrawl/protocol/quote';
import { readProof } from '@paycrawl/protocol/read-proof';
import { prepareOffer, writeOffer } from '@paycrawl/protocol/x402-v2-exact/offer';
import { derivePayers } from '../../payload/payers.js';
import { type Payer, proofSigner, readOffer } from '../../payload/sign-proofs.js';

/** One publisher and requests for its page, as an ingress sees them, without a network. */
export interface CrawlWorld {
  readonly sites: Sites;
  readonly token: PaymentToken;
  readonly request: Asked;
  readonly visit: Visit;
  readonly context: ReadContext;
  readonly terms: QuotedTerms;
  readonly quote: Quote;
  /** As it travels in an offer. */
  readonly compact: string;
  readonly payers: readonly Payer[];
  /** A PAYMENT-SIGNATURE header with a nonce of its own, payers in turn. */
  sign(index: number): string;
}

const host = 'bench.example';
const path = '/articles/2026/how-a-crawl-is-paid';
const amount = '1000';
const payTo = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc';
const payersCount = 100;
const windowS = 3_600;

export function createCrawlWorld(nowMs: number): CrawlWorld {
  const token = knownTokens[0] as PaymentToken;
  const tokenOf = tokenLookup(knownTokens);
  const sites = createSites({
    tokenOf,
    onUnusable: (_publisher, cause) => {
      throw fail('bench_failed', 'the price book of the bench', { cause });
    },
  });
  for (const event of registered(token)) sites.apply(event);
  const headers = ['host', host, 'user-agent', 'GPTBot/1.3'];
  const header = (name: string) => headers[headers.indexOf(name) + 1];
  const request: Asked = { method: 'GET', target: path, headers, header };
  const reading = readVisit(request, { sites, scheme: 'http', requestId: 'r0', atMs: nowMs });
  if (reading.kind === 'refused') throw fail('bench_failed', reading.detail);
  const { visit } = reading;
  const { network, asset } = token;
  const terms = { method: 'GET', url: visit.url, network, asset, payTo, amount };
  const expiresAtS = Math.floor(nowMs / 1000) + windowS;
  const quote = { challengeId: randomBytes(12).toString('hex'), ruleId: 'all', ruleVersion: 1 };
  const key = { id: 'k1', secret: randomBytes(32) };
  const compact = writeQuote(key, terms, { ...quote, expiresAtS });
  const context: ReadContext = {
    ...{ method: 'GET', url: visit.url, nowMs, skewMs: 5_000, keys: [key], marginS: 60, tokenOf },
    current: { network, asset, payTo, amount: BigInt(amount) },
  };
  const payers = derivePayers({ seed: 'steps', count: payersCount });
  const offered = offeredPage(token, visit.url, compact);
  const signer = proofSigner(offered, { validBeforeS: expiresAtS });
  const sign = (index: number) => signer(payers[index % payersCount] as Payer);
  const whole = { ...quote, expiresAtS };
  return { sites, token, request, visit, context, terms, quote: whole, compact, payers, sign };
}

function offeredPage(token: PaymentToken, url: string, compact: string) {
  const about = { description: 'One crawl of a page of Bench', mimeType: 'text/html' };
  const prepared = prepareOffer({ token, payTo, amount, ...about, maxTimeoutSeconds: windowS });
  return readOffer(writeOffer(prepared, 'Payment required', url, compact));
}

function registered({ network, asset }: PaymentToken): RegistryEvent[] {
  const envelope = { id: 'bench', source: 'bench', timeMs: 0 };
  const publisherId = 'bench';
  const names = { publisherId, name: 'Bench', hosts: [host], origin: 'http://127.0.0.1:1' };
  const rules = [{ id: 'all', path: '/**', crawlers: 'ai-agents' as const, price: 'USD 0.001' }];
  const replaced = { publisherId, version: 1, book: { rules } };
  return [
    { ...envelope, type: 'PublisherRegistered', data: { ...names, network, asset, payTo } },
    { ...envelope, type: 'PriceBookReplaced', data: replaced },
  ];
}

/** The two events that the ingress writes for one crawl. */
export interface CrawlEvents {
  readonly received: AnyEvent;
  readonly delivered: AnyEvent;
}

export function proofOf(world: CrawlWorld, header: string): Proof {
  const paymentHeaders = { paymentSignature: header, xPayment: undefined };
  const reading = readProof(paymentHeaders, world.context);
  if (reading.kind !== 'proof') throw fail('bench_failed', `a proof of the bench: ${reading.kind}`);
  return reading.proof;
}

export function eventsOf({ visit }: CrawlWorld, proof: Proof, index: number): CrawlEvents {
  const requestId = `${'bench'.padEnd(16, '0')}-${index}`;
  const { network, asset, authorization, signature, dialect } = proof;
  const id = chargeId(network, asset, proof.payer, authorization.nonce);
  const payer = payerId(network, proof.payer);
  const { method, host: site, path: page, crawler, atMs: timeMs } = visit;
  const source = 'ingress';
  const about = { method, host: site, path: page, crawler: crawler.name };
  const rule = { ruleId: 'all', ruleVersion: 1, dialect, kind: 'crawl' as const };
  const data = {
    ...{ chargeId: id, payer, publisherId: visit.site.publisherId, network, asset, amount },
    ...{ ...about, ...rule, requestId, ingressId: 'ingress-1' },
    ...{ payTo: proof.payTo, authorization, signature },
    ...{ signatureCheck: { kind: 'recovered' as const }, decideWithinMs: 2_000, leaseMs: 60_000 },
    ...(proof.quote && { challengeId: proof.quote.challengeId }),
  };
  const outcome = { outcome: 'delivered' as const, status: 200, bytes: 2_048 };
  const outcomeData = { chargeId: id, payer, requestId, ...outcome, leaseId: `${id}:1` };
  return {
    received: { type: 'ProofReceived', id: requestId, source, timeMs, data },
    delivered: {
      ...{ type: 'CrawlDelivered', id: `${requestId}/outcome`, source, timeMs },
      data: outcomeData,
    },
  };
}

/** Challenges as the ingress writes them, of one page. */
export function challengesOf({ visit, token, quote }: CrawlWorld, count: number): AnyEvent[] {
  const { method, host: site, path: page, crawler, atMs: timeMs } = visit;
  const about = { method, host: site, path: page, crawler: crawler.name };
  const { network, asset } = token;
  return Array.from({ length: count }, (_, index) => {
    const challengeId = randomBytes(12).toString('hex');
    const ids = { challengeId, publisherId: visit.site.publisherId, requestId: `bench-${index}` };
    const rule = { ruleId: quote.ruleId, ruleVersion: quote.ruleVersion };
    const price = { network, asset, amount, payTo, expiresAtMs: quote.expiresAtS * 1000 };
    return {
      ...{ type: 'ChallengeIssued', id: challengeId, source: 'ingress', timeMs },
      data: { ...ids, ...about, ...rule, ...price },
    };
  });
}

/** What the verifier knows of every payer before its crawls. */
export function fundsOf({ token, payers }: CrawlWorld, nowMs: number): AnyEvent[] {
  const { network, asset } = token;
  const block = { blockNumber: 1, blockHash: `0x${'ab'.repeat(32)}`, blockTimestampS: 1 };
  return payers.map(({ address }) => ({
    ...{ type: 'FundsObserved', id: `funds/${address}`, source: 'verifier', timeMs: nowMs },
    data: {
      ...{ payer: payerId(network, address), network, asset, balance: '1000000000000' },
      ...{ hasCode: false, ...block, nonces: [] },
    },
  }));
}

export function bytesOf(events: readonly AnyEvent[]): number {
  return events.reduce((sum, event) => sum + encodeEvent(event).length, 0);
}
