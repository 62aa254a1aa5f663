import { openSharedKafka } from '@paycrawl/event-log/kafka/kafka-cluster.given';
import { setGeneration } from '@paycrawl/events/topics';
import { afterAll, expect, test } from 'vitest';
import {
  append,
  booksOf,
  charged,
  deliveryOf,
  eventOf,
  eventsOf,
  forget,
  givenLog,
  grow,
  keysOf,
  newCount,
  payers,
  states,
} from './migrate.given.js';

// The same migration over a real broker, killed once on its way.

const log = openSharedKafka();

afterAll(async () => {
  await log.close();
  forget();
});

test('behavior: over Kafka nonces, holds and charges are carried, and nothing is decided twice', async () => {
  await givenLog(log);
  const killed = grow(log, (step) => {
    if (step === 'topics_made') throw new RangeError(step);
  });
  await expect(killed).rejects.toThrowError(RangeError);
  setGeneration(1);
  await grow(log);
  setGeneration(1);
  const before = await states(log);
  setGeneration(2);
  const counts = new Map((await log.topics()).map(({ name, partitions }) => [name, partitions]));
  expect(counts.get('payments.2')).toBe(newCount);
  const after = await states(log);
  for (const [name, prefix] of [
    ['verifier', 'n/'],
    ['verifier', '~t/'],
    ['metering', 'open/'],
    ['settlement', 'c/'],
  ] as const) {
    const kept = keysOf(after.get(name) ?? [], prefix);
    expect(kept).toEqual(keysOf(before.get(name) ?? [], prefix));
    expect(kept.length).toBeGreaterThan(0);
  }
  expect(booksOf(after.get('metering') ?? [])).toEqual(booksOf(before.get('metering') ?? []));
  for (const proof of charged) {
    const again = { ...proof, requestId: `${proof.requestId}-again` };
    await append(log, proof.payer, eventOf('ProofReceived', again, again.requestId));
    await append(log, proof.payer, deliveryOf(proof));
  }
  await states(log);
  const types = (await eventsOf(log, 'decisions.2')).map(({ type }) => type);
  expect(types).not.toContain('PaymentAccepted');
  expect(types).not.toContain('ChargePosted');
  expect(types.filter((type) => type === 'LeaseGranted')).toHaveLength(payers.length);
}, 180_000);
