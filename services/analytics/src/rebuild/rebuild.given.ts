import { type AnyEvent, type EventType, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import * as Sample from '../projection/events.given.js';
import type { Projection } from '../projection/projection.js';
import { tables } from '../projection/rows.js';

/** The events of one crawl, in partitions by its number. */
export function history(number: number, partitions: number) {
  const id = { chargeId: `c${number}`, path: `/${number % 7}`, crawler: `bot-${number % 3}` };
  const { chargeId } = id;
  const partition = number % partitions;
  const record = (topic: TopicName, type: EventType, data: unknown) => {
    const event = { type, id: `${topic}-${type}-${number}`, source: 'test', timeMs: 0, data };
    const value = encodeEvent(event as AnyEvent);
    return { topic: physicalTopic(topic), partition, key: 'k', value };
  };
  return [
    record(
      'challenges',
      'ChallengeIssued',
      Sample.challengeIssued({ ...id, challengeId: `q${number}` }),
    ),
    record('decisions', 'PaymentAccepted', Sample.paymentAccepted(id)),
    ...(number % 4 === 1
      ? [record('decisions', 'HoldReleased', Sample.holdReleased(id))]
      : [
          record('decisions', 'ChargePosted', Sample.chargePosted(id)),
          record('ledger', 'LedgerPosted', Sample.ledgerPosted({ chargeId })),
        ]),
    ...(number % 10 === 0
      ? [record('settlements', 'BatchSealed', Sample.batchSealed({ batchId: `b${number}` }))]
      : []),
  ];
}

/** Every table as readers see it. */
export async function contentsOf(warehouse: Warehouse): Promise<unknown> {
  const entries = tables.map(async (table) => [
    table,
    await warehouse.query(`SELECT * FROM ${table} FINAL ORDER BY ALL`),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

export async function caughtUp(projection: Projection): Promise<void> {
  for (;;) {
    const all = await projection.progress();
    if (all.every((one) => one.storedOffset === one.logNextOffset)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
