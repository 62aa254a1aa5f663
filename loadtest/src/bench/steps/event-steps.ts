import { type AnyEvent, decodeEvent, encodeEvent } from '@paycrawl/events/event';
import type { AloneService } from './alone/alone-main.js';
import type { Step } from './budget.js';
import { cpuUsPerCall } from './cpu-per-call.js';
import { type CrawlLog, crawlEventTypes, ofType } from './crawl-events.js';

const calls = 10_000;

/** Who writes and who reads the records of a crawl; each is written once. */
const writes: Partial<Record<AloneService, readonly AnyEvent['type'][]>> = {
  ingress: ['ProofReceived', 'CrawlDelivered'],
  verifier: ['PaymentAccepted', 'ChargePosted'],
  metering: ['LedgerPosted', 'ChargeDue'],
};
const reads: Partial<Record<AloneService, readonly AnyEvent['type'][]>> = {
  verifier: ['ProofReceived', 'CrawlDelivered'],
  metering: ['PaymentAccepted', 'ChargePosted'],
  settlement: ['ChargeDue'],
  analytics: crawlEventTypes,
};

export function recordsReadBy(service: AloneService): number {
  return reads[service]?.length ?? 0;
}

/** Encoding and decoding, by service. */
export async function eventSteps(
  log: CrawlLog,
): Promise<(service: AloneService) => readonly Step[]> {
  const encodes = new Map<AnyEvent['type'], Step>();
  const decodes = new Map<AnyEvent['type'], Step>();
  for (const type of crawlEventTypes) {
    const events = ofType(log, type);
    const values = events.map(encodeEvent);
    const event = (index: number) => events[index % events.length] as (typeof events)[number];
    const value = (index: number) => values[index % values.length] as Buffer;
    const encode = await cpuUsPerCall({ calls }, (i) => encodeEvent(event(i)));
    const decode = await cpuUsPerCall({ calls }, (i) => decodeEvent(value(i)));
    const bytes = value(0).length;
    encodes.set(type, { name: `encode ${type} (${bytes} B)`, perCrawl: 1, us: encode });
    decodes.set(type, { name: `decode ${type}`, perCrawl: 1, us: decode });
  }
  return (service) => [
    ...(reads[service] ?? []).flatMap((type) => decodes.get(type) ?? []),
    ...(writes[service] ?? []).flatMap((type) => encodes.get(type) ?? []),
  ];
}
