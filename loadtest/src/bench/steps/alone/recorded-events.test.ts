import type { LogRecord } from '@paycrawl/event-log/event-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import { expect, test } from 'vitest';
import { deliveredOf, fundsOf, proofOf, randomAddress } from '../../admission-records.js';
import { recordedEvents, settlementSteps } from './recorded-events.js';

const from = randomAddress();
const proofs = [proofOf(from, 1), proofOf(from, 2)];
let offset = 0;
const recordOf = (told: Pick<AnyEvent, 'type' | 'data'>, partition = 0): LogRecord => {
  const event = { ...told, id: `e${offset}`, source: 'test', timeMs: 0 } as AnyEvent;
  const place = { topic: physicalTopic('payments'), partition, key: 'k' };
  return { ...place, offset: offset++, timestampMs: 1_000 + offset, value: encodeEvent(event) };
};
const recorded = {
  before: [recordOf(fundsOf(from))],
  measured: [
    ...proofs.map((proof) => recordOf(proof)),
    ...proofs.map(({ data }) => recordOf(deliveredOf(data))),
    // Funds are looked at again once the charges are settled.
    recordOf(fundsOf(from)),
    recordOf(proofOf(from, 3), 1),
  ],
};

test('behavior: one partition is told again, each event at the time at which it came', () => {
  const log = recordedEvents(recorded);
  expect([log.crawls, log.payments.before.length, log.payments.events.length]).toEqual([2, 1, 5]);
  expect(log.payments.events.map((event) => log.timeOf(event))).toEqual([
    1_002, 1_003, 1_004, 1_005, 1_006,
  ]);
});

test('behavior: what a topic holds beside the records of its crawls is of the settlement', async () => {
  const log = recordedEvents(recorded);
  const steps = await settlementSteps(log, 'verifier', { readUs: 1, togetherUs: 5 });
  expect(steps).toMatchObject([
    { name: 'record of the settlement read and decoded', perCrawl: 0.5 },
  ]);
  expect(steps[0]?.us).toBeGreaterThan(1);
});
