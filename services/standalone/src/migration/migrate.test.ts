import { join } from 'node:path';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { setGeneration } from '@paycrawl/events/topics';
import { asset, network, proofOf, t0 } from '@paycrawl/verifier/admission/admission.given';
import { type Account, accountKey, type Proof } from '@paycrawl/verifier/admission/state';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
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
  held,
  keysOf,
  newCount,
  oldCount,
  payers,
  root,
  states,
} from './migrate.given.js';
import { migrate, migrationSteps } from './migrate.js';

beforeEach(() => setGeneration(1));
afterAll(forget);

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

  test('behavior: twice, at last to 64: what was carried once is carried again', async () => {
    const log = await givenLog();
    await grow(log, undefined, 4);
    setGeneration(2);
    const before = await states(log);
    await grow(log, undefined, 64);
    setGeneration(3);
    const after = await states(log);
    expect(after.get('verifier')).toHaveLength(64);
    for (const who of payers) {
      const state = new Map(after.get('verifier')?.[partitionForKey(who, 64)]);
      expect(state.get(accountKey(who, asset))).toMatchObject({ held: 1000n, unsettled: 1000n });
    }
    expect(keysOf(after.get('settlement') ?? [], 'c/')).toHaveLength(payers.length);
    expect(booksOf(after.get('metering') ?? [])).toEqual(booksOf(before.get('metering') ?? []));
  }, 60_000);

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
