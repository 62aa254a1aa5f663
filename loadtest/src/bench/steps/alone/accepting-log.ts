import type { EventLog } from '@paycrawl/event-log/event-log';
import type { Wakeups } from '@paycrawl/event-log/wakeups';
import { type AnyEvent, decodeEvent, type EventOfType } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';

/** In place of a verifier: every proof that is durable is accepted, by a wake-up and nothing else. */
export function acceptingEverything(log: EventLog, wakeups: Wakeups): EventLog {
  const payments = physicalTopic('payments');
  return {
    ...log,
    producer(options) {
      const producer = log.producer(options);
      return {
        discard: () => producer.discard(),
        close: () => producer.close(),
        async append(records) {
          const appended = await producer.append(records);
          for (const { topic, value } of records) if (topic === payments) accept(value, wakeups);
          return appended;
        },
      };
    },
  };
}

const farAwayMs = 4_000_000_000_000;

function accept(value: Buffer, wakeups: Wakeups): void {
  const read = decodeEvent(value);
  if (read.kind !== 'event' || read.event.type !== 'ProofReceived') return;
  const { authorization, signature, signatureCheck, payTo, decideWithinMs, ...said } =
    read.event.data;
  const data = { ...said, leaseId: `${said.chargeId}:1`, holdExpiresAtMs: farAwayMs };
  const envelope = { id: read.event.id, source: 'verifier', timeMs: read.event.timeMs };
  const accepted = { ...envelope, type: 'PaymentAccepted', data } as AnyEvent;
  wakeups.publish(said.ingressId, [accepted as EventOfType<'PaymentAccepted'>]);
}
