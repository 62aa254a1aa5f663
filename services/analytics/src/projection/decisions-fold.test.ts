import { describe, expect, test } from 'vitest';
import { keptAfterEndMs } from './crawl.js';
import { decisionsFold } from './decisions-fold.js';
import * as Sample from './events.given.js';
import { given } from './fold.given.js';
import type { ProjectionOutput, Table } from './output.js';
import { hourMs, measures, moneyMeasures } from './totals.js';

const noon = Date.UTC(2026, 0, 31, 12);

function of<T extends Table>(outputs: readonly ProjectionOutput[], table: T) {
  return outputs.filter(
    (output): output is Extract<ProjectionOutput, { table: T }> => output.table === table,
  );
}

function sums(outputs: readonly ProjectionOutput[]) {
  const { counts = [], amounts = [] } = of(outputs, 'rollup_hour').at(-1)?.total ?? {};
  const entries = [
    ...measures.map((measure, index) => [measure, counts[index]] as const),
    ...moneyMeasures.map((measure, index) => [`${measure}Amount`, amounts[index]] as const),
  ];
  return Object.fromEntries(entries.filter(([, value]) => value !== 0 && value !== 0n));
}

describe('decisions projection', () => {
  test('behavior: accepted, charged, in flight, settled is one crawl and four counts', () => {
    const fold = given(decisionsFold);
    const accepted = fold.feed('PaymentAccepted', Sample.paymentAccepted(), { atMs: noon });
    expect(of(accepted, 'crawls')[0]?.crawl).toMatchObject({ status: 'pending', atMs: noon });
    fold.feed('ChargePosted', Sample.chargePosted(), { atMs: noon + 5 });
    fold.feed('ChargeInFlight', Sample.chargeInFlight(), { atMs: noon + 9 });
    const settled = fold.feed('ChargeSettled', Sample.chargeSettled(), { atMs: noon + 20 });
    expect(sums(settled)).toEqual({
      ...{ accepted: 1, charged: 1, settled: 1 },
      ...{ chargedAmount: 1000n, settledAmount: 1000n },
    });
    expect(of(settled, 'crawls')[0]?.crawl).toMatchObject({
      ...{ id: 'c1', atMs: noon, status: 'settled', batchId: 'b1' },
      ...{ crawler: 'GPTBot', path: '/a', transaction: `0x${'2'.repeat(64)}` },
    });
    expect(of(settled, 'batch_charges')[0]?.charge).toMatchObject({
      ...{ batchId: 'b1', batchAtMs: noon + 9, outcome: 'settled', block: 7 },
    });
    // The path and the crawler of a settlement come from what was posted.
    expect(of(settled, 'facts')[0]?.fact).toMatchObject({ measure: 'settled', path: '/a' });
  });

  test('behavior: a rejection after the charge is counted and hides nothing', () => {
    const fold = given(decisionsFold);
    fold.feed('ChargePosted', Sample.chargePosted(), { atMs: noon });
    const rejected = fold.feed('PaymentRejected', Sample.paymentRejected());
    expect(sums(rejected)).toMatchObject({ charged: 1, rejected: 1 });
    expect(of(rejected, 'crawls')).toEqual([]);
  });

  test('behavior: rejected, then accepted stays the same crawl', () => {
    const fold = given(decisionsFold);
    fold.feed('PaymentRejected', Sample.paymentRejected(), { atMs: noon });
    const accepted = fold.feed('PaymentAccepted', Sample.paymentAccepted(), { atMs: noon + 1000 });
    expect(of(accepted, 'crawls')[0]?.crawl).toMatchObject({ atMs: noon, status: 'pending' });
  });

  test('behavior: released, lost and uncollectible are told apart', () => {
    const fold = given(decisionsFold);
    fold.feed('PaymentAccepted', Sample.paymentAccepted(), { atMs: noon });
    const released = fold.feed('HoldReleased', Sample.holdReleased());
    expect(of(released, 'crawls')[0]?.crawl).toMatchObject({
      status: 'released',
      code: 'origin_5xx',
    });
    const lost = fold.feed('LossPosted', Sample.lossPosted());
    expect(of(lost, 'crawls')[0]?.crawl).toMatchObject({ status: 'uncollectible' });
    fold.feed('ChargePosted', Sample.chargePosted({ chargeId: 'c2' }));
    const ended = fold.feed('ChargeUncollectible', Sample.chargeUncollectible({ chargeId: 'c2' }));
    expect(sums(ended)).toEqual({
      ...{ accepted: 1, released: 1, lost: 1, charged: 1, uncollectible: 1 },
      ...{ chargedAmount: 1000n, lostAmount: 1000n, uncollectibleAmount: 1000n },
    });
  });

  test('behavior: a charge that returns may go into the next batch', () => {
    const fold = given(decisionsFold);
    fold.feed('ChargePosted', Sample.chargePosted(), { atMs: noon });
    fold.feed('ChargeInFlight', Sample.chargeInFlight(), { atMs: noon + 1 });
    const returned = fold.feed('ChargeReturned', Sample.chargeReturned(), { atMs: noon + 2 });
    expect(of(returned, 'batch_charges')[0]?.charge).toMatchObject({
      ...{ batchId: 'b1', batchAtMs: noon + 1, outcome: 'returned', code: 'batch_lost' },
    });
    const again = fold.feed('ChargeInFlight', Sample.chargeInFlight({ batchId: 'b2' }));
    expect(of(again, 'crawls')[0]?.crawl).toMatchObject({ status: 'charged', batchId: 'b2' });
  });

  test('behavior: a new hour begins new totals and the old ones are forgotten', () => {
    const fold = given(decisionsFold);
    fold.feed('ChargePosted', Sample.chargePosted(), { atMs: noon });
    const next = fold.feed('ChargePosted', Sample.chargePosted({ chargeId: 'c2' }), {
      atMs: noon + hourMs,
    });
    expect(of(next, 'rollup_hour')[0]?.total).toMatchObject({ hourMs: noon + hourMs });
    expect(sums(next)).toEqual({ charged: 1, chargedAmount: 1000n });
    expect(of(next, 'rollup_path_day')[0]?.total.amounts[0]).toBe(2000n);
    expect(fold.range('h/').length).toBe(1);
  });

  test('behavior: an ended crawl is forgotten, one that came to life again is not', () => {
    const fold = given(decisionsFold);
    fold.feed('PaymentRejected', Sample.paymentRejected(), { atMs: noon });
    fold.feed('PaymentRejected', Sample.paymentRejected({ chargeId: 'c2' }), { atMs: noon });
    fold.feed('PaymentAccepted', Sample.paymentAccepted(), { atMs: noon + 1 });
    fold.feed(
      'FundsRequested',
      { payer: Sample.payer, network: Sample.network, asset: Sample.token, nonces: [] },
      {
        atMs: noon + keptAfterEndMs + 1,
      },
    );
    expect(fold.range('c/').map(([key]) => key)).toEqual(['c/c1']);
  });

  test('behavior: state survives its encoding', async () => {
    const fold = given(decisionsFold);
    fold.feed('ChargePosted', Sample.chargePosted(), { atMs: noon });
    await fold.restart();
    const settled = fold.feed('ChargeSettled', Sample.chargeSettled(), { atMs: noon });
    expect(sums(settled)).toMatchObject({ chargedAmount: 1000n, settledAmount: 1000n });
  });
});
