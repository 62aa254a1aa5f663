import type { AnyEvent } from '@paycrawl/events/event';
import type { Outcome } from '@paycrawl/events/schema';
import { isBillable } from '@paycrawl/pricing/price-book';
import * as V1Receipt from '@paycrawl/protocol/x402-v1-exact/receipt';
import * as V2Receipt from '@paycrawl/protocol/x402-v2-exact/receipt';
import { exposedHeaders } from '../challenge/challenge.js';
import { answerHeaders, privateCacheControl, requestHeaders, withVary } from '../http/headers.js';
import type { IngressStep } from '../steps.js';
import { streamTo } from './body.js';
import { declined, type PaidJob, type Served } from './job.js';
import type { OriginRequest, Origins } from './origin.js';
import type { OriginHeaders, OriginPage } from './origin-page.js';
import {
  codeOfFault,
  type Delivery,
  deliveredEvent,
  notDeliveredEvent,
  outcomeOf,
  startedEvent,
} from './outcome.js';
import type { Reporter } from './reporter.js';

export interface DeliverDeps {
  readonly origins: Origins;
  readonly reporter: Reporter;
  readonly scheme: 'http' | 'https';
  /** Bodies up to this are held until their outcome is durable. */
  readonly bufferBytesMax: number;
  readonly onOutcome: (outcome: Outcome) => void;
  readonly onStep?: ((step: IngressStep) => void) | undefined;
}

/**
 * Fetches the page of an accepted payment and hands it over. The order is the guarantee: a held
 * body leaves only after its outcome is durable; a longer one starts only after `DeliveryStarted`
 * is, and its outcome follows the last byte.
 */
export async function deliver(deps: DeliverDeps, job: PaidJob): Promise<Served> {
  if (job.audience.isEmpty()) return undelivered(deps, job, fault('client_disconnected'));
  if (isLeaseOver(job)) return undelivered(deps, job, fault('abandoned'));
  const { visit, exchange, audience } = job;
  const request: OriginRequest = {
    origin: visit.site.origin,
    method: visit.method,
    path: visit.path,
    headers: forwarded(deps, job),
    body: exchange.body ?? null,
  };
  const page = await deps.origins.fetch(request, audience, deps.bufferBytesMax);
  deps.onStep?.('origin_fetched');
  switch (page.kind) {
    case 'failed': {
      const { outcome, status } = page;
      return undelivered(deps, job, { outcome, status, bytes: 0 });
    }
    case 'whole':
      return handOver(deps, job, page);
    case 'long':
      return stream(deps, job, page);
    default:
      return page satisfies never;
  }
}

async function handOver(
  deps: DeliverDeps,
  job: PaidJob,
  page: OriginPage & { kind: 'whole' },
): Promise<Served> {
  const { status, body } = page;
  const outcome = outcomeOf(job.visit.method, status);
  const delivery: Delivery = { outcome, status, bytes: body.length };
  if (job.lease.charge === 'charged') return answered(job, page, true);
  if (job.audience.isEmpty()) {
    return undelivered(deps, job, { ...delivery, outcome: 'client_disconnected' });
  }
  if (isLeaseOver(job)) return undelivered(deps, job, { ...delivery, outcome: 'origin_timeout' });
  const isCharged = billable(job, outcome);
  const event = isCharged ? deliveredEvent(job, delivery) : notDeliveredEvent(job, delivery);
  await report(deps, job, event);
  deps.onStep?.('outcome_appended');
  deps.onOutcome(outcome);
  return answered(job, page, isCharged);
}

function answered(job: PaidJob, page: OriginPage & { kind: 'whole' }, isPaid: boolean): Served {
  const { status, body } = page;
  const headers = headersOf(job, page.headers, isPaid);
  return { kind: 'answered', answer: { status, headers, body }, isPaid };
}

async function stream(
  deps: DeliverDeps,
  job: PaidJob,
  page: OriginPage & { kind: 'long' },
): Promise<Served> {
  const { status } = page;
  const intended = outcomeOf(job.visit.method, status);
  const isHeld = job.lease.charge === 'held';
  const isCharged = !isHeld || billable(job, intended);
  if (isLeaseOver(job)) {
    page.close();
    return undelivered(deps, job, { outcome: 'origin_timeout', status, bytes: 0 });
  }
  if (isHeld) {
    const begins = isCharged
      ? startedEvent(job)
      : notDeliveredEvent(job, { outcome: intended, status, bytes: 0 });
    await report(deps, job, begins);
  }
  const body = job.exchange.stream(status, headersOf(job, page.headers, isCharged));
  const streamed = await streamTo(body, page.begun, page.rest);
  page.close();
  const outcome = outcomeOfStream(intended, streamed.end);
  deps.onOutcome(outcome);
  if (isHeld && isCharged) {
    const delivery: Delivery = { outcome, status, bytes: streamed.bytes };
    const event = billable(job, outcome)
      ? deliveredEvent(job, delivery)
      : notDeliveredEvent(job, delivery);
    deps.reporter.reportEventually(job.payer, event);
  }
  return { kind: 'streamed' };
}

function outcomeOfStream(intended: Outcome, end: 'complete' | 'client_gone' | 'broken'): Outcome {
  if (end === 'complete') return intended;
  return end === 'client_gone' ? 'client_disconnected' : 'origin_truncated';
}

/** Before anything of the page is sent: it must be durable. */
async function report(deps: DeliverDeps, job: PaidJob, event: AnyEvent): Promise<void> {
  try {
    await deps.reporter.report(job.payer, event);
  } catch (error) {
    // Perhaps it was written all the same, and then this changes nothing; if not, nobody could be
    // served for this proof before the lease of this request has ended.
    deps.reporter.reportEventually(job.payer, notDeliveredEvent(job, fault('abandoned')));
    throw error;
  }
}

/** Ends the hold; nothing of the page was sent to anybody. */
async function undelivered(deps: DeliverDeps, job: PaidJob, delivery: Delivery): Promise<Served> {
  if (job.lease.charge === 'held') {
    await report(deps, job, notDeliveredEvent(job, delivery));
  }
  deps.onOutcome(delivery.outcome);
  return declined(codeOfFault(delivery.outcome), 'Nothing was charged for this request.');
}

function fault(outcome: Outcome): Delivery {
  return { outcome, status: 0, bytes: 0 };
}

function billable({ visit }: PaidJob, outcome: Outcome): boolean {
  return visit.site.book !== undefined && isBillable(visit.site.book.book, outcome);
}

function isLeaseOver({ lease }: PaidJob): boolean {
  return performance.now() >= lease.endsAtMs;
}

function forwarded(deps: DeliverDeps, { visit, exchange }: PaidJob): string[] {
  return requestHeaders(exchange.headers, {
    originHost: visit.site.originHost,
    publicHost: visit.host,
    scheme: deps.scheme,
    remoteAddress: exchange.remoteAddress,
    isPaid: true,
  });
}

function headersOf(
  { visit, proof, chargeId }: PaidJob,
  ofOrigin: OriginHeaders,
  isCharged: boolean,
): Record<string, string | string[]> {
  const publicUrl = visit.url.slice(0, visit.url.length - visit.path.length);
  const headers = answerHeaders(ofOrigin, {
    originUrl: visit.site.origin,
    publicUrl,
    isPaid: true,
  });
  headers['cache-control'] = privateCacheControl(headers['cache-control']);
  headers.vary = withVary(headers.vary, 'User-Agent, PAYMENT-SIGNATURE, X-PAYMENT');
  headers['access-control-expose-headers'] = exposedHeaders;
  if (isCharged) {
    const receipt = { payer: proof.payer, network: proof.network, commitmentId: chargeId };
    // Each version's client looks for its own header only.
    if (proof.dialect === 'x402-v2-exact') {
      headers['payment-response'] = V2Receipt.writeReceipt(receipt);
    } else headers['x-payment-response'] = V1Receipt.writeReceipt(receipt);
  }
  return headers;
}
