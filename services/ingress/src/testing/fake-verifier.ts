import type { ErrorCode } from '@paycrawl/errors/catalogue';
import type { EventLog, Tail } from '@paycrawl/event-log/event-log';
import type { Wakeups } from '@paycrawl/event-log/wakeups';
import { type AnyEvent, decodeEvent, type EventOfType, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';

/** Stands in for the verifier in tests of the ingress: one hold per proof, scripted refusals. */
export interface FakeVerifier {
  /** What the next proofs get; `silent` decides nothing. */
  script: (proof: ProofData) => 'accept' | 'silent' | ErrorCode;
  losesWakeups: boolean;
  leaseMs: number | undefined;
  close(): Promise<void>;
}

type ProofData = EventOfType<'ProofReceived'>['data'];

export interface FakeVerifierOptions {
  readonly log: EventLog;
  readonly wakeups: Wakeups;
  readonly partitions: number;
}

export async function startFakeVerifier(options: FakeVerifierOptions): Promise<FakeVerifier> {
  const { log, wakeups, partitions } = options;
  const states = new Map<string, 'held' | 'charged'>();
  const producer = log.producer();
  const tails: Tail[] = [];
  const verifier: FakeVerifier = {
    script: () => 'accept',
    losesWakeups: false,
    leaseMs: undefined,
    async close() {
      await Promise.all(tails.map((tail) => tail.close()));
      await producer.close();
    },
  };
  for (let partition = 0; partition < partitions; partition++) {
    const tail = await log.tail({
      topic: physicalTopic('payments'),
      partition,
      fromOffset: 0,
      async onRecords(records) {
        for (const { value, offset } of records) {
          const decoded = decodeEvent(value);
          if (decoded.kind !== 'event') continue;
          const data = decide(verifier, states, decoded.event);
          if (data === undefined) continue;
          const cause = [physicalTopic('payments'), partition, offset, 0] as const;
          const event = { ...data, id: '', source: 'verifier', timeMs: 0, cause } as AnyEvent;
          if (!verifier.losesWakeups && 'ingressId' in event.data) {
            wakeups.publish(event.data.ingressId, [event]);
          }
          const topic = physicalTopic('decisions');
          // Pipelined, as the fold runtime does it; the order is that of the calls.
          const record = { topic, partition, key: '', value: encodeEvent(event) };
          void producer.append([record]).catch(() => undefined);
        }
      },
      onError: () => undefined,
    });
    tails.push(tail);
  }
  return verifier;
}

function decide(
  verifier: FakeVerifier,
  states: Map<string, 'held' | 'charged'>,
  event: AnyEvent,
): { type: string; data: unknown } | undefined {
  if (event.type === 'CrawlDelivered') states.set(event.data.chargeId, 'charged');
  if (event.type === 'CrawlNotDelivered') states.delete(event.data.chargeId);
  if (event.type !== 'ProofReceived') return undefined;
  const { data } = event;
  const state = states.get(data.chargeId);
  if (state === 'held') return rejected(data, 'delivery_in_progress');
  const leaseMs = verifier.leaseMs ?? data.leaseMs;
  const { chargeId, payer, publisherId, requestId, ingressId } = data;
  const reply = { chargeId, payer, publisherId, requestId, ingressId, leaseMs };
  if (state === 'charged') {
    const leaseId = `${chargeId}:1`;
    return { type: 'LeaseGranted', data: { ...reply, leaseId, charge: 'charged' } };
  }
  const answer = verifier.script(data);
  if (answer === 'silent') return undefined;
  if (answer !== 'accept') return rejected(data, answer);
  states.set(chargeId, 'held');
  const leaseId = `${chargeId}:1`;
  const accepted = { ...common(data), leaseId, leaseMs, holdExpiresAtMs: 4_000_000_000_000 };
  return { type: 'PaymentAccepted', data: accepted };
}

function rejected(data: ProofData, code: ErrorCode) {
  return { type: 'PaymentRejected', data: { ...common(data), code, retryable: false } };
}

function common(data: ProofData) {
  const { authorization, signature, signatureCheck, payTo, decideWithinMs, leaseMs, ...rest } =
    data;
  return rest;
}
