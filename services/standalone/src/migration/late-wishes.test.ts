import { hasCode } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, setGeneration } from '@paycrawl/events/topics';
import { t0 } from '@paycrawl/verifier/admission/admission.given';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { operate } from '../operate.js';
import {
  eventOf,
  eventsOf,
  forget,
  givenLog,
  grow,
  newCount,
  payers,
  states,
} from './migrate.given.js';
import type { MigrationStep } from './migrate.js';

// What an operator writes while the platform grows takes effect, whenever it is written.

beforeEach(() => setGeneration(1));
afterAll(forget);

const [payer, other] = payers as [string, string];
const signer = `0x${'5'.repeat(40)}`;
const reason = 'test';

/** Grows, while an operator writes these at that step. */
async function growing(at: MigrationStep, wishes: [type: string, data: object][]) {
  const log = await givenLog();
  let writing: Promise<unknown> = Promise.resolve();
  await grow(log, (step) => {
    if (step !== at) return;
    for (const [type, data] of wishes) {
      writing = writing.then(() => operate(log, type, { ...data, reason }, t0));
    }
  });
  await writing;
  return log;
}

async function frozenIn(log: EventLog): Promise<string[][]> {
  setGeneration(2);
  const all = await states(log);
  const keys = (fold: 'verifier' | 'settlement', partition: number) =>
    (all.get(fold)?.[partition] ?? []).map(([key]) => key);
  return Array.from({ length: newCount }, (_, partition) =>
    [...keys('verifier', partition), ...keys('settlement', partition)].filter((key) =>
      /^(f|F|frozen)\//.test(key),
    ),
  );
}

test.each(['drained', 'charges_closed', 'topics_made'] as const)(
  'behavior: freezes written after "%s" hold in the new generation',
  async (at) => {
    const log = await growing(at, [
      ['PayerFrozen', { payer }],
      ['PublisherFrozen', { publisherId: 'demo' }],
      ['SignerFrozen', { signer }],
    ]);
    for (const [partition, found] of (await frozenIn(log)).entries()) {
      expect(found).toContain('F/demo');
      const isPayers = partition === partitionForKey(payer, newCount);
      expect(found.includes(`f/${payer}`)).toBe(isPayers);
    }
    const [, lane] = await frozenIn(log);
    expect(lane).toContain(`frozen/${signer}`);
  },
);

test('behavior: a freeze that was taken back stays taken back, in order', async () => {
  const log = await growing('charges_closed', [
    ['PayerFrozen', { payer }],
    ['PayerFrozen', { payer: other }],
    ['PayerUnfrozen', { payer }],
  ]);
  expect((await frozenIn(log)).flat()).toEqual([`f/${other}`]);
});

test('behavior: carried over again, a freeze taken back since does not come back', async () => {
  const log = await growing('charges_closed', [['PayerFrozen', { payer }]]);
  setGeneration(2);
  await operate(log, 'PayerUnfrozen', { payer, reason }, t0);
  await grow(log);
  expect((await frozenIn(log)).flat()).toEqual([]);
  const types = (await eventsOf(log, 'payments.2')).map(({ type }) => type);
  expect(types.filter((type) => type === 'PayerFrozen')).toHaveLength(1);
});

test('error: generation_superseded: the operator is told when it went to the old one', async () => {
  const log = await givenLog();
  await grow(log);
  setGeneration(1);
  const late = operate(log, 'PayerFrozen', { payer, reason }, t0);
  await expect(late).rejects.toSatisfy((error) => hasCode(error, 'generation_superseded'));
  setGeneration(1);
  await grow(log);
  expect((await frozenIn(log)).flat()).toEqual([`f/${payer}`]);
});

test('behavior: what the services themselves write late is not carried: they write it again', async () => {
  const log = await givenLog();
  await grow(log);
  const settings = { version: 9, marginS: 9, lossLimit: '9', waitingProofsMax: 9 };
  const value = encodeEvent(eventOf('AdmissionSettingsChanged', settings, 'late'));
  const place = { topic: physicalTopic('payments', 1), partition: 0, key: 's' };
  await log.producer().append([{ ...place, value }]);
  setGeneration(1);
  await grow(log);
  const types = (await eventsOf(log, 'payments.2')).map(({ type }) => type);
  expect(types).not.toContain('AdmissionSettingsChanged');
});
