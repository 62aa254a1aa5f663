import type { Wakeups } from '@paycrawl/event-log/wakeups';
import type { AnyEvent } from '@paycrawl/events/event';
import type { Caused } from '@paycrawl/fold/fold';
import { eventOf } from '@paycrawl/fold/log-sink';
import { admission } from './decide.js';
import type { AdmissionOutput } from './state.js';

/**
 * Wakes the ingresses that wait, before the decisions are durable: their inputs are, so a crash
 * now makes the same decisions again.
 */
export function announce(wakeups: Wakeups, outputs: readonly Caused<AdmissionOutput>[]): void {
  const byIngress = new Map<string, AnyEvent[]>();
  for (const caused of outputs) {
    const ingressId = ingressOf(caused.output);
    if (ingressId === undefined) continue;
    const event = eventOf(caused.output, { ...caused, source: admission.name });
    const events = byIngress.get(ingressId);
    if (events === undefined) byIngress.set(ingressId, [event]);
    else events.push(event);
  }
  for (const [ingressId, events] of byIngress) wakeups.publish(ingressId, events);
}

function ingressOf({ type, data }: AdmissionOutput): string | undefined {
  switch (type) {
    case 'PaymentAccepted':
    case 'PaymentRejected':
    case 'LeaseGranted':
      return data.ingressId;
    default:
      return undefined;
  }
}
