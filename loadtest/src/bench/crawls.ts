import { fail } from '@paycrawl/errors/paycrawl-error';
import { type LoadFigures, runClosedLoop } from '../driver/closed-loop.js';
import { targetOf } from '../driver/http-connection.js';
import { type HttpResponse, hasHeader, headerOf } from '../driver/http-response.js';
import {
  type Offered,
  type Payer,
  proofSigner,
  readOffer,
  validBeforeOf,
} from '../payload/sign-proofs.js';
import { offerHeader } from './bench-publisher.js';

const userAgent = 'GPTBot/1.3';

/** A priced page as a crawler asks for it. */
export interface Target {
  readonly ingress: string;
  readonly host: string;
  readonly path: string;
}

/** Unpaid requests: each answered 402 only after its challenge is durable. */
export function benchChallenges(
  target: Target,
  connections: number,
  secondsMax: number,
): Promise<LoadFigures> {
  const bytes = requestBytes(target);
  return runClosedLoop({
    target: targetOf(target.ingress),
    connections,
    secondsMax,
    next: () => bytes,
    isExpected: ({ status }) => status === 402,
  });
}

export interface PaidCrawlsOptions {
  readonly connections: number;
  readonly crawls: number;
  /** Crawls before the clock starts: compilers and caches are then as in a steady state. */
  readonly warmUpCrawls: number;
  readonly payers: readonly Payer[];
  /** Every payer has crawled before: its funds are known, as in a steady state. */
  readonly arePayersKnown?: boolean;
}

/** Called at the two ends of what is measured, without the warm-up. */
export interface Stopwatch {
  onMeasuring(): void;
  onMeasured(): void;
}

/** Paid crawls, each with a proof of its own, signed before the clock starts. */
export async function benchPaidCrawls(
  target: Target,
  { connections, crawls, warmUpCrawls, payers, arePayersKnown = false }: PaidCrawlsOptions,
  stopwatch?: Stopwatch,
): Promise<LoadFigures> {
  if (!arePayersKnown) {
    await benchFirstProofs(target, payers, Math.min(connections, payers.length));
  }
  await payAll(target, await signedRequests(target, payers, warmUpCrawls), connections);
  const requests = await signedRequests(target, payers, crawls);
  stopwatch?.onMeasuring();
  const figures = await payAll(target, requests, connections);
  stopwatch?.onMeasured();
  return figures;
}

/** One crawl of every payer; those never seen cost an observation of their funds each. */
export async function benchFirstProofs(
  target: Target,
  payers: readonly Payer[],
  connections: number,
): Promise<LoadFigures> {
  return payAll(target, await signedRequests(target, payers, payers.length), connections);
}

/** Each of the requests once; all of them are to be served. */
export function payAll(target: Target, queue: Buffer[], connections: number): Promise<LoadFigures> {
  return runClosedLoop({
    target: targetOf(target.ingress),
    connections,
    secondsMax: 120,
    next: () => queue.pop(),
    isExpected: isPaid,
  });
}

export function isPaid(response: HttpResponse): boolean {
  return response.status === 200 && hasHeader(response, 'payment-response');
}

/** 503 that says when; anything else that is no page is a failure. */
export function isToldToComeBack({ status, head }: HttpResponse): boolean {
  return status === 503 && /^\d/.test(headerOf(head, 'retry-after') ?? '');
}

/** As of this moment: what is offered follows the time that settlement needs. */
export async function currentOffer(target: Target): Promise<Offered> {
  return readOffer(await currentOfferHeader(target));
}

export async function currentOfferHeader({ ingress, host, path }: Target): Promise<string> {
  const header = await offerHeader(ingress, host, path);
  if (header === undefined) throw fail('bench_failed', `${path} is not priced.`);
  return header;
}

/** Proofs of payers in turn, as the current offer asks for. */
export async function signedRequests(
  target: Target,
  payers: readonly Payer[],
  count: number,
): Promise<Buffer[]> {
  const offered = await currentOffer(target);
  const sign = proofSigner(offered, {
    validBeforeS: validBeforeOf(offered, Math.floor(Date.now() / 1000)),
  });
  return Array.from({ length: count }, (_, i) =>
    requestBytes(target, sign(payers[i % payers.length] as Payer)),
  );
}

export function requestBytes({ host, path }: Target, proof?: string): Buffer {
  const payment = proof === undefined ? '' : `payment-signature: ${proof}\r\n`;
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nuser-agent: ${userAgent}\r\n${payment}\r\n`,
  );
}
