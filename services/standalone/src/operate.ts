import { randomUUID } from 'node:crypto';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, NewRecord } from '@paycrawl/event-log/event-log';
import { readGeneration } from '@paycrawl/event-log/generation';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { type AnyEvent, decodeEvent, encodeEvent } from '@paycrawl/events/event';
import { generation, physicalTopic, type TopicName } from '@paycrawl/events/topics';

/**
 * What an operator may put into the log by hand. Everything takes effect in order, as a record in
 * the partition of whoever it concerns, so that a replay knows when; nothing is changed in place.
 */
const operatorEvents = {
  PayerFrozen: ['payments'],
  PayerUnfrozen: ['payments'],
  PayerReleased: ['payments'],
  SignerFrozen: ['charges'],
  SignerUnfrozen: ['charges'],
  ChargeReleased: ['charges'],
  // The ingress offers by the registry; the verifier decides by its own partitions.
  PublisherFrozen: ['payments', 'registry'],
  PublisherUnfrozen: ['payments', 'registry'],
  OfferWithdrawn: ['registry'],
  OfferRestored: ['registry'],
} as const satisfies Record<string, readonly TopicName[]>;

type OperatorEvent = keyof typeof operatorEvents;

export interface Written {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * Fails with `operator_event_invalid`, and writes nothing, unless the event is one of the list.
 * Fails with `generation_superseded` where a newer generation was opened meanwhile: what was
 * written stands in topics that nobody decides by any more.
 */
export async function operate(
  log: EventLog,
  type: string,
  data: unknown,
  nowMs: number,
): Promise<readonly Written[]> {
  if (!isOperatorEvent(type)) {
    const known = Object.keys(operatorEvents).join(', ');
    throw fail('operator_event_invalid', `${type} is none of ${known}`);
  }
  const event = { type, id: randomUUID(), source: 'operator', timeMs: nowMs, data } as AnyEvent;
  const value = encodeEvent(event);
  const decoded = decodeEvent(value);
  if (decoded.kind !== 'event') throw fail('operator_event_invalid', decoded.detail);
  const records: NewRecord[] = [];
  for (const topic of operatorEvents[type].map((name) => physicalTopic(name))) {
    for (const partition of await partitionsOf(log, topic, data)) {
      records.push({ topic, partition, key: '', value });
    }
  }
  const producer = log.producer();
  try {
    const written = await producer.append(records);
    await assertInForce(log, type);
    return written;
  } finally {
    await producer.close();
  }
}

/** Asked after the append: a generation closed before it, and opened after it, carries it over. */
async function assertInForce(log: EventLog, type: string): Promise<void> {
  const inForce = (await readGeneration(log)).generation;
  if (inForce === generation()) return;
  const detail = `${type} was written to generation ${generation()}; ${inForce} is in force`;
  throw fail('generation_superseded', detail);
}

export function isOperatorEvent(type: string): type is OperatorEvent {
  return Object.hasOwn(operatorEvents, type);
}

async function partitionsOf(log: EventLog, topic: string, data: unknown): Promise<number[]> {
  const count = (await log.topics()).find(({ name }) => name === topic)?.partitions;
  if (count === undefined) throw fail('log_unknown_partition', `There is no topic ${topic} here.`);
  return partitionsFor(data, count);
}

/**
 * A payer's own partition; the one of `registry`; for publishers, signers and charges every one,
 * because only the fold knows whose they are, and the others take no notice.
 */
export function partitionsFor(data: unknown, count: number): number[] {
  const { payer } = data as { payer?: string };
  if (payer !== undefined) return [partitionForKey(payer, count)];
  return Array.from({ length: count }, (_, partition) => partition);
}
