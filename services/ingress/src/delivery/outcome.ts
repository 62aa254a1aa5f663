import type { ErrorCode } from '@paycrawl/errors/catalogue';
import type { AnyEvent, EventOfType } from '@paycrawl/events/event';
import type { Outcome } from '@paycrawl/events/schema';
import type { PaidJob } from './job.js';

/** How a complete answer of the origin counts; the price book says which of them are billed. */
export function outcomeOf(method: string, status: number): Outcome {
  if (status >= 500) return 'origin_5xx';
  if (status >= 400) return 'origin_4xx';
  if (status === 304) return 'not_modified';
  if (status >= 300) return 'redirected';
  if (method === 'HEAD') return 'head';
  return status === 206 ? 'partial_content' : 'delivered';
}

/** What the client is told where there is no answer of the origin to pass on. */
export function codeOfFault(outcome: Outcome): ErrorCode {
  switch (outcome) {
    case 'origin_timeout':
    case 'origin_truncated':
    case 'origin_unreachable':
      return outcome;
    default:
      return 'lease_over';
  }
}

export interface Delivery {
  readonly outcome: Outcome;
  /** 0 where the origin gave none. */
  readonly status: number;
  readonly bytes: number;
}

export function deliveredEvent(job: PaidJob, delivery: Delivery): AnyEvent {
  const { source, clock, visit } = job;
  const id = `${visit.requestId}/outcome`;
  const { trace } = visit;
  const data = outcomeData(job, delivery);
  return { type: 'CrawlDelivered', id, source, timeMs: clock(), trace, data };
}

export function notDeliveredEvent(job: PaidJob, delivery: Delivery): AnyEvent {
  const { source, clock, visit } = job;
  const id = `${visit.requestId}/outcome`;
  const { trace } = visit;
  const data = outcomeData(job, delivery);
  return { type: 'CrawlNotDelivered', id, source, timeMs: clock(), trace, data };
}

export function startedEvent(job: PaidJob): AnyEvent {
  const { chargeId, payer, visit, lease, source, clock } = job;
  const { requestId, trace } = visit;
  const data = { chargeId, payer, requestId, leaseId: lease.leaseId };
  const id = `${requestId}/started`;
  return { type: 'DeliveryStarted', id, source, timeMs: clock(), trace, data };
}

function outcomeData(
  { chargeId, payer, visit, lease }: PaidJob,
  { outcome, status, bytes }: Delivery,
): EventOfType<'CrawlDelivered'>['data'] {
  const { requestId } = visit;
  return { chargeId, payer, requestId, outcome, status, bytes, leaseId: lease.leaseId };
}
