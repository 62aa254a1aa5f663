import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { type AnyEvent, decodeEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, setGeneration, topicConfigs } from '@paycrawl/events/topics';
import {
  asset,
  network,
  nonce,
  payer,
  proofOf,
  t0,
} from '@paycrawl/verifier/admission/admission.given';
import { type Account, accountKey, type Proof } from '@paycrawl/verifier/admission/state';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type MigrationStep, migrate, migrationSteps } from './migrate.js';
import { type OldFoldName, oldFoldNames, openOldFold } from './old-folds.js';

const root = mkdtempSync(join(tmpdir(), 'paycrawl-migrate-'));
const payers = Array.from({ length: 12 }, (_, index) => payer(index + 1));
/** Of every payer: one charged, one held. */
const charged = payers.map((who, index) => proofOf(100 + index, { payer: who }));
const held = payers.map((who, index) => proofOf(200 + index, { payer: who }));
const oldCount = 2;
const newCount = 8;
let folder = 0;

beforeEach(() => setGeneration(1));
afterAll(() => {
  setGeneration(1);
  rmSync(root, { recursive: true, force: true });
});

function eventOf(type: AnyEvent['type'], data: unknown, id: string): AnyEvent {
  return { type, id, source: 'test', timeMs: t0, data } as AnyEvent;
}

function deliveryOf({ chargeId, payer: who, requestId }: Proof): AnyEvent {
  const facts = { chargeId, payer: who, requestId, leaseId: `${chargeId}:1` };
  const data = { ...facts, outcome: 'delivered', status: 200, bytes: 512 };
  return eventOf('CrawlDelivered', data, `delivered/${chargeId}`);
}

async function append(log: EventLog, who: string, event: AnyEvent): Promise<void> {
  const topic = physicalTopic('payments');
  const count = (await log.topics()).find(({ name }) => name === topic)?.partitions ?? 0;
  const partition = partitionForKey(who, count);
  const producer = log.producer();
  await producer.append([{ topic, partition, key: who, value: encodeEvent(event) }]);
  await producer.close();
}

/** A log of the first generation in which nothing was folded yet. */
async function givenLog(): Promise<EventLog> {
  setGeneration(1);
  const log = createMemoryLog({ clock: () => t0 });
  await log.createTopics(topicConfigs({ payer: oldCount, publisher: oldCount }, 1_000_000));
  for (const [index, who] of payers.entries()) {
    const funds = {
      ...{ payer: who, network, asset, balance: '1000000', hasCode: false, blockNumber: 100 },
      ...{ blockHash: nonce(9), blockTimestampS: 1_800_000_000, nonces: [] },
    };
    await append(log, who, eventOf('FundsObserved', funds, `funds/${who}`));
    for (const proof of [charged[index], held[index]] as Proof[]) {
      await append(log, who, eventOf('ProofReceived', proof, proof.requestId));
    }
    await append(log, who, deliveryOf(charged[index] as Proof));
  }
  const lane = { network, signer: `0x${'5'.repeat(40)}`, firstNonce: 7, genesisHash: nonce(1) };
  const producer = log.producer();
  await producer.append([
    {
      ...{ topic: physicalTopic('charges'), partition: 1, key: 'lane' },
      value: encodeEvent(eventOf('LaneOpened', lane, 'lane')),
    },
  ]);
  await producer.close();
  return log;
}

function grow(log: EventLog, onStep?: (step: MigrationStep) => void): Promise<void> {
  return migrate({
    ...{ log, partitions: newCount, publisherPartitions: undefined, isDryRun: false, waitMs: 0 },
    ...{ scratch: join(root, `${folder++}`), clock: () => t0, write: () => {} },
    ...(onStep && { onStep }),
  });
}

/** Every entry of every fold of the generation in force, in its partition. */
async function states(log: EventLog): Promise<Map<OldFoldName, [string, unknown][][]>> {
  const count =
    (await log.topics()).find(({ name }) => name === physicalTopic('payments'))?.partitions ?? 0;
  const found = new Map<OldFoldName, [string, unknown][][]>();
  const scratch = join(root, `${folder++}`);
  for (const name of oldFoldNames) {
    const ofFold: [string, unknown][][] = [];
    for (let partition = 0; partition < count; partition += 1) {
      const fold = await openOldFold({ log, scratch, mayWrite: true }, name, partition);
      await fold.toEnd();
      ofFold.push(fold.entries());
      await fold.close();
    }
    found.set(name, ofFold);
  }
  return found;
}

async function eventsOf(log: EventLog, topic: string): Promise<AnyEvent[]> {
  const count = (await log.topics()).find(({ name }) => name === topic)?.partitions ?? 0;
  const events: AnyEvent[] = [];
  for (let partition = 0; partition < count; partition += 1) {
    for (const { value } of await log.read({ topic, partition }, 0, 10_000)) {
      const decoded = decodeEvent(value);
      if (decoded.kind === 'event') events.push(decoded.event);
    }
  }
  return events;
}

function keysOf(state: readonly (readonly [string, unknown][])[], prefix: string): string[] {
  return state
    .flat()
    .map(([key]) => key)
    .filter((key) => key.startsWith(prefix))
    .sort();
}

function booksOf(state: readonly (readonly [string, unknown][])[]): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const [key, value] of state.flat()) {
    if (!key.startsWith('acc/')) continue;
    const { debit, credit } = value as { debit: bigint; credit: bigint };
    sums.set(key, (sums.get(key) ?? 0n) + debit - credit);
  }
  return sums;
}

describe('a new generation', () => {
  test('behavior: every account, nonce, hold and open charge stands where its payer does', async () => {
    const log = await givenLog();
    await grow(log);
    setGeneration(1);
    const before = await states(log);
    setGeneration(2);
    const after = await states(log);
    const verifier = after.get('verifier') ?? [];
    for (const who of payers) {
      const state = new Map(verifier[partitionForKey(who, newCount)]);
      const account = state.get(accountKey(who, asset)) as Account;
      expect(account).toMatchObject({ held: 1000n, unsettled: 1000n, proofs: 2 });
    }
    for (const [name, prefix] of [
      ...([
        ['verifier', 'n/'],
        ['verifier', '~t/'],
        ['metering', 'open/'],
      ] as const),
      ...([
        ['settlement', 'c/'],
        ['settlement', 'q/'],
        ['settlement', 'lane/'],
      ] as const),
      ['analytics', 'c/'],
    ] as const) {
      const kept = keysOf(after.get(name) ?? [], prefix);
      expect(kept).toEqual(keysOf(before.get(name) ?? [], prefix));
      expect(kept.length).toBeGreaterThan(0);
    }
    expect(booksOf(after.get('metering') ?? [])).toEqual(booksOf(before.get('metering') ?? []));
  });

  test('behavior: a lane keeps its partition and its next nonce', async () => {
    const log = await givenLog();
    await grow(log);
    setGeneration(2);
    const settlement = (await states(log)).get('settlement') ?? [];
    const lane = new Map(settlement[1]).get(`lane/${network}`);
    expect(lane).toMatchObject({ nextNonce: 7, batchIds: [] });
  });

  test('behavior: nothing is decided twice: proofs from before hold and charge nothing anew', async () => {
    const log = await givenLog();
    await grow(log);
    setGeneration(2);
    for (const proof of [...charged, ...held]) {
      const again = { ...proof, requestId: `${proof.requestId}-again` };
      await append(log, proof.payer, eventOf('ProofReceived', again, again.requestId));
    }
    for (const proof of charged) await append(log, proof.payer, deliveryOf(proof));
    await states(log);
    const types = (await eventsOf(log, 'decisions.2')).map(({ type }) => type);
    expect(types).not.toContain('PaymentAccepted');
    expect(types).not.toContain('ChargePosted');
    expect(types.filter((type) => type === 'LeaseGranted')).toHaveLength(payers.length);
  });

  test('behavior: a late outcome is carried over, and posted once however often', async () => {
    const log = await givenLog();
    const [late] = held as [Proof];
    const told: Promise<void>[] = [];
    await grow(log, (step) => {
      if (step === 'charges_closed') told.push(append(log, late.payer, deliveryOf(late)));
    });
    await Promise.all(told);
    await grow(log);
    setGeneration(2);
    await states(log);
    const posted = (await eventsOf(log, 'decisions.2')).filter(
      ({ type }) => type === 'ChargePosted',
    );
    expect(posted.map(({ data }) => data)).toMatchObject([{ chargeId: late.chargeId }]);
  });

  test('behavior: a proof that comes to a closed generation is told to come again', async () => {
    const log = await givenLog();
    await grow(log);
    setGeneration(1);
    const proof = proofOf(900);
    await append(log, proof.payer, eventOf('ProofReceived', proof, 'late'));
    await states(log);
    const answers = (await eventsOf(log, 'decisions.1')).filter(
      ({ data }) => 'chargeId' in data && data.chargeId === proof.chargeId,
    );
    expect(answers).toMatchObject([
      { type: 'PaymentRejected', data: { code: 'generation_closed', retryable: true } },
    ]);
  });

  test.each(migrationSteps)(
    'behavior: killed after "%s" and run again, it is the same',
    async (at) => {
      const undisturbed = await givenLog();
      await grow(undisturbed);
      setGeneration(2);
      const expected = await states(undisturbed);
      const log = await givenLog();
      const killed = grow(log, (step) => {
        if (step === at) throw new RangeError(step);
      });
      await expect(killed).rejects.toThrowError(RangeError);
      setGeneration(1);
      await grow(log);
      setGeneration(2);
      expect(await states(log)).toEqual(expected);
      const opened = (await eventsOf(log, 'registry.1')).map(({ type }) => type);
      expect(opened.filter((type) => type === 'GenerationOpened')).toHaveLength(1);
    },
  );

  test('error: migration_counts_invalid for no growth', async () => {
    const log = await givenLog();
    const options = {
      ...{ log, publisherPartitions: undefined, isDryRun: false, waitMs: 0, clock: () => t0 },
      ...{ scratch: join(root, 'refused'), write: () => {}, partitions: oldCount },
    };
    const isRefused = (error: unknown) => hasCode(error, 'migration_counts_invalid');
    await expect(migrate(options)).rejects.toSatisfy(isRefused);
  });
});
