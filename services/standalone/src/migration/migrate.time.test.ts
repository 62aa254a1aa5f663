import { join } from 'node:path';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, setGeneration, type TopicName } from '@paycrawl/events/topics';
import { readTimer } from '@paycrawl/fold/timers';
import type { Batch } from '@paycrawl/settlement/batches/state';
import {
  expiresAtMs,
  network,
  nonce,
  t0,
  validBeforeS,
} from '@paycrawl/verifier/admission/admission.given';
import { afterAll, beforeEach, expect, test } from 'vitest';
import {
  charged,
  eventOf,
  eventsOf,
  forget,
  givenLog,
  grow,
  held,
  keysOf,
  newCount,
  oldCount,
  payers,
  root,
  states,
} from './migrate.given.js';
import { migrate } from './migrate.js';

// What waits for a time or for the chain when the platform grows.

let nowMs = t0;

beforeEach(() => {
  nowMs = t0;
  setGeneration(1);
});
afterAll(forget);

const newLog = () => givenLog(createMemoryLog({ clock: () => nowMs }));

async function tell(log: EventLog, name: TopicName, partitions: number[], event: AnyEvent) {
  const topic = physicalTopic(name);
  const value = encodeEvent(event);
  const records = partitions.map((partition) => ({ topic, partition, key: 'k', value }));
  await log.producer().append(records);
}

const upTo = (count: number) => Array.from({ length: count }, (_, partition) => partition);

/** Time comes to this moment, everywhere; resolves when all is folded. */
async function timeIs(log: EventLog, atMs: number, count = newCount) {
  nowMs = atMs;
  for (const topic of ['payments', 'charges'] as const) {
    await tell(log, topic, upTo(count), eventOf('TimePassed', {}, `time/${atMs}`));
  }
  return states(log);
}

/** Consumers drop repeated outputs; here every look at the states repeats them. */
async function dataOf(log: EventLog, topic: string, type: AnyEvent['type']) {
  const found = (await eventsOf(log, topic)).filter((event) => event.type === type);
  return [...new Map(found.map(({ id, data }) => [id, data as Record<string, unknown>])).values()];
}

test('behavior: a hold that was carried ends at its time, not before', async () => {
  const log = await newLog();
  await grow(log);
  setGeneration(2);
  await timeIs(log, expiresAtMs - 1);
  expect(await dataOf(log, 'decisions.2', 'HoldReleased')).toEqual([]);
  await timeIs(log, expiresAtMs);
  const released = await dataOf(log, 'decisions.2', 'HoldReleased');
  expect(released.map(({ chargeId }) => chargeId).sort()).toEqual(
    held.map(({ chargeId }) => chargeId).sort(),
  );
  for (const { reason } of released) expect(reason).toBe('expired');
});

test('behavior: a charge that was carried is sealed when its deadline comes near', async () => {
  const log = await newLog();
  const patient = { version: 9, batchChargesMax: 100, batchAgeMaxMs: 3_600_000 };
  const settings = { ...patient, deadlineMarginS: 20, batchesInFlightMax: 4 };
  const changed = eventOf('SettlementSettingsChanged', settings, 'patient');
  await tell(log, 'charges', upTo(oldCount), changed);
  await grow(log);
  setGeneration(2);
  const lane = { network, signer: `0x${'6'.repeat(40)}`, firstNonce: 0, genesisHash: nonce(1) };
  // The lane of partition 1 was carried.
  const added = upTo(newCount).filter((partition) => partition !== 1);
  await tell(log, 'charges', added, eventOf('LaneOpened', lane, 'lanes'));
  const settlement = (await states(log)).get('settlement') ?? [];
  const timers = settlement.flat().flatMap(([key]) => readTimer(key)?.atMs ?? []);
  const [firstMs = 0] = timers.sort((a, b) => a - b);
  expect(firstMs).toBe(validBeforeS * 1000 - 20_000);
  await timeIs(log, firstMs - 1);
  expect(await dataOf(log, 'settlements.2', 'BatchSealed')).toEqual([]);
  await timeIs(log, firstMs);
  const sealed = await dataOf(log, 'settlements.2', 'BatchSealed');
  for (const { reason } of sealed) expect(reason).toBe('deadline');
  expect(sealed.flatMap(({ chargeIds }) => chargeIds).sort()).toEqual(
    charged.map(({ chargeId }) => chargeId).sort(),
  );
});

test('behavior: it waits for a batch in flight, names it, and goes on when the chain answered', async () => {
  const log = await newLog();
  await states(log);
  const settlement = (await timeIs(log, t0 + 5_000, oldCount)).get('settlement') ?? [];
  const [batch] = settlement.flatMap((state) =>
    state.flatMap(([key, value]) => (key.startsWith('b/') ? [value as Batch] : [])),
  );
  if (batch === undefined) expect.fail('no batch is open');
  const mined = {
    ...{ batchId: batch.batchId, network, blockNumber: 200, blockHash: nonce(2) },
    ...{ blockTimestampS: t0 / 1000, clockDifferenceMs: 0, mined: { by: 'other' } },
    answers: batch.chargeIds.map((chargeId) => ({ chargeId, answer: 'unused' })),
  };
  const lines: string[] = [];
  const answers: Promise<void>[] = [];
  await migrate({
    ...{ log, partitions: newCount, publisherPartitions: undefined, isDryRun: false },
    ...{ waitMs: 60_000, scratch: join(root, 'waiting'), clock: () => t0 },
    write: (line) => {
      lines.push(line);
      if (!line.startsWith('waiting for the chain')) return;
      const answer = eventOf('BatchObserved', mined, 'answer');
      answers.push(tell(log, 'charges', [1], answer));
    },
  });
  await Promise.all(answers);
  expect(lines).toContain(`waiting for the chain: ${batch.batchId}`);
  setGeneration(2);
  const after = await states(log);
  expect(keysOf(after.get('settlement') ?? [], 'c/')).toHaveLength(payers.length);
  expect(keysOf(after.get('settlement') ?? [], 'b/')).toEqual([]);
});
