import { hasCode } from '@paycrawl/errors/paycrawl-error';
import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { decodeEvent } from '@paycrawl/events/event';
import { physicalTopic, topicConfigs } from '@paycrawl/events/topics';
import { expect, test } from 'vitest';
import { operate } from './operate.js';

const payer = `eip155:84532:0x${'a1'.repeat(20)}`;
const nowMs = 1_790_000_000_000;

async function newLog() {
  const log = createMemoryLog({ clock: () => nowMs });
  await log.createTopics(topicConfigs({ payer: 4, publisher: 4 }, 60_000));
  return log;
}

test("behavior: a freeze of a payer stands in the payer's own partition", async () => {
  const log = await newLog();
  const [written, ...others] = await operate(log, 'PayerFrozen', { payer, reason: 'test' }, nowMs);
  const where = { topic: physicalTopic('payments'), partition: partitionForKey(payer, 4) };
  expect(written).toMatchObject({ ...where, offset: 0 });
  expect(others).toEqual([]);
  const [record] = await log.read(where, 0, 10);
  expect(decodeEvent(record?.value ?? Buffer.of())).toMatchObject({
    kind: 'event',
    event: { type: 'PayerFrozen', source: 'operator', data: { payer, reason: 'test' } },
  });
});

test('behavior: a freeze of a signer or a publisher stands in every partition', async () => {
  const log = await newLog();
  const signer = `0x${'b2'.repeat(20)}`;
  const signers = await operate(log, 'SignerFrozen', { signer, reason: 'test' }, nowMs);
  expect(signers.map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
  const data = { publisherId: 'demo', reason: 'test' };
  const publishers = await operate(log, 'PublisherFrozen', data, nowMs);
  expect(publishers.map(({ topic, partition }) => `${topic}/${partition}`)).toEqual([
    ...['payments.1/0', 'payments.1/1', 'payments.1/2', 'payments.1/3', 'registry.1/0'],
  ]);
});

test.each([
  ['ChargePosted', {}],
  ['constructor', {}],
  ['PayerFrozen', { payer: 'nobody', reason: 'x' }],
  ['PublisherFrozen', { publisherId: 'demo' }],
])('error: operator_event_invalid (%s)', async (type, data) => {
  const log = await newLog();
  const error = await operate(log, type, data, nowMs).catch((reason: unknown) => reason);
  expect(hasCode(error, 'operator_event_invalid')).toBe(true);
  for (const { name, partitions } of await log.topics()) {
    for (let partition = 0; partition < partitions; partition += 1) {
      expect((await log.offsets({ topic: name, partition })).next).toBe(0);
    }
  }
});
