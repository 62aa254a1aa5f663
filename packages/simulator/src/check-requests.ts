import type { AnyEvent, EventOfType } from '@paycrawl/events/event';
import { eventsOf } from './events-of.js';
import type { World } from './world.js';

interface Lease {
  readonly leaseId: string;
  readonly requestId: string;
}

/** Leases and requests: what the audit of amounts does not see. */
export function checkRequests(world: World): void {
  const payments = new Map(
    eventsOf(world, 'payments').map(({ partition, offset, event }) => [
      `${partition}/${offset}`,
      event,
    ]),
  );
  const leases = new Map<string, Lease>();
  const holders = new Set<string>();
  for (const { partition, event } of eventsOf(world, 'decisions')) {
    const because = payments.get(`${partition}/${event.cause?.[2] ?? -1}`);
    if (event.type === 'PaymentAccepted') {
      checkHolder(world, holders, event.data);
      leases.set(event.data.chargeId, event.data);
    }
    if (event.type === 'LeaseGranted' && event.data.charge === 'held') {
      leases.set(event.data.chargeId, event.data);
    }
    if (event.type === 'HoldReleased') {
      checkRelease(world, event.data, because, leases.get(event.data.chargeId));
    }
  }
}

/** One request opens one hold, however often its record stands in the log. */
function checkHolder(
  world: World,
  holders: Set<string>,
  { chargeId, requestId }: EventOfType<'PaymentAccepted'>['data'],
): void {
  const holder = `${chargeId}/${requestId}`;
  if (holders.has(holder)) world.find('request_held_twice', chargeId, requestId);
  holders.add(holder);
}

function checkRelease(
  world: World,
  { chargeId, reason }: EventOfType<'HoldReleased'>['data'],
  because: AnyEvent | undefined,
  lease: Lease | undefined,
): void {
  if (because?.type !== 'CrawlNotDelivered' || because.data.chargeId !== chargeId) return;
  const { leaseId, requestId } = because.data;
  const isOwn =
    reason === 'expired' ||
    (leaseId === undefined ? requestId === lease?.requestId : leaseId === lease?.leaseId);
  if (isOwn) return;
  const said = leaseId ?? 'no lease';
  world.find('released_by_stranger', chargeId, `${said} ended the hold of ${lease?.leaseId}`);
}
