import { describe, expect, test } from 'vitest';
import { challengesFold } from './challenges-fold.js';
import * as Sample from './events.given.js';
import { given } from './fold.given.js';
import { paymentsFold } from './index-folds.js';
import { ledgerFold } from './ledger-fold.js';
import { settlementsFold } from './settlements-fold.js';
import { dayMs, otherPaths, pathsPerDayMax, pathsPerMonthMax } from './totals.js';

const noon = Date.UTC(2026, 0, 31, 12);

describe('challenges projection', () => {
  test('behavior: a challenge is a fact, a crawl, totals and an index entry', () => {
    const fold = given(challengesFold);
    const outputs = fold.feed('ChallengeIssued', Sample.challengeIssued(), { atMs: noon });
    expect(outputs.map(({ table }) => table).sort()).toEqual([
      'crawls',
      'event_index',
      'facts',
      'log_totals',
      'rollup_hour',
      'rollup_path_day',
      'rollup_path_month',
    ]);
    expect(outputs).toContainEqual({
      table: 'event_index',
      subject: 'q1',
      type: 'ChallengeIssued',
    });
  });

  test('behavior: a refused proof is found under its request and its challenge', () => {
    const fold = given(challengesFold);
    const data = Sample.proofRefused({ challengeId: 'q1' });
    const outputs = fold.feed('ProofRefused', data, { atMs: noon });
    const subjects = outputs.flatMap((output) =>
      output.table === 'event_index' ? [output.subject] : [],
    );
    expect(subjects).toEqual(['r9', 'q1']);
  });

  test('behavior: made-up paths do not fill the state', () => {
    const fold = given(challengesFold);
    for (let index = 0; index < pathsPerDayMax; index += 1) {
      fold.feed('ChallengeIssued', Sample.challengeIssued({ path: `/${index}` }), { atMs: noon });
    }
    const outputs = fold.feed('ChallengeIssued', Sample.challengeIssued({ path: '/one-more' }));
    const totals = outputs.filter(({ table }) => table === 'rollup_path_day');
    expect(totals).toMatchObject([{ total: { path: otherPaths } }]);
    const known = fold.feed('ChallengeIssued', Sample.challengeIssued({ path: '/7' }));
    expect(known).toContainEqual(
      expect.objectContaining({
        table: 'rollup_path_day',
        total: expect.objectContaining({ path: '/7', counts: [2, 0, 0, 0, 0, 0, 0, 0, 0] }),
      }),
    );
  });

  test('behavior: a path counts by day and by month; a month that is over is forgotten', () => {
    const fold = given(challengesFold);
    const visit = (atMs: number) =>
      fold
        .feed('ChallengeIssued', Sample.challengeIssued({ path: '/a' }), { atMs })
        .flatMap((output) =>
          output.table === 'rollup_path_month'
            ? [[output.total.path, output.total.monthMs, output.total.counts[0]]]
            : [],
        );
    const [january, february] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 1, 1)];
    expect(visit(january)).toEqual([['/a', january, 1]]);
    expect(visit(noon)).toEqual([['/a', january, 2]]);
    expect(fold.range('d/').length).toBe(1);
    expect(visit(february - 1_000)).toEqual([['/a', january, 3]]);
    expect(visit(february)).toEqual([['/a', february, 1]]);
    expect([fold.range('p/').length, fold.range('q/').length]).toEqual([1, 1]);
  });

  test('behavior: made-up paths of many days do not fill the state of a month', () => {
    const from = Date.UTC(2026, 0, 1);
    const fold = given(challengesFold);
    const visit = (index: number) => {
      const atMs = from + Math.floor(index / pathsPerDayMax) * dayMs;
      return fold.feed('ChallengeIssued', Sample.challengeIssued({ path: `/${index}` }), { atMs });
    };
    for (let index = 0; index < pathsPerMonthMax; index += 1) visit(index);
    const outputs = visit(pathsPerMonthMax);
    // The day has room for it, the month has not.
    expect(outputs).toContainEqual(
      expect.objectContaining({
        table: 'rollup_path_day',
        total: expect.objectContaining({ path: `/${pathsPerMonthMax}` }),
      }),
    );
    const ofMonth = outputs.filter(({ table }) => table === 'rollup_path_month');
    expect(ofMonth).toMatchObject([{ total: { path: otherPaths, monthMs: from } }]);
  });
});

describe('payments projection', () => {
  test('behavior: an outcome is found under its charge; the clock leaves no trace', () => {
    const fold = given(paymentsFold);
    const outcome = { outcome: 'delivered', status: 200, bytes: 10 } as const;
    const ids = { chargeId: 'c1', payer: Sample.payer, requestId: 'r1', leaseId: 'l1' };
    expect(fold.feed('CrawlDelivered', { ...ids, ...outcome })).toEqual([
      { table: 'event_index', subject: 'c1', type: 'CrawlDelivered' },
    ]);
    expect(fold.feed('TimePassed', {})).toEqual([]);
  });
});

describe('ledger projection', () => {
  test('behavior: entries are kept, totals are per publisher, moment and account name', () => {
    const fold = given(ledgerFold);
    fold.feed('LedgerPosted', Sample.ledgerPosted(), { atMs: noon });
    const outputs = fold.feed('LedgerPosted', Sample.ledgerPosted({ chargeId: 'c2' }));
    const totals = outputs.flatMap((output) =>
      output.table === 'ledger_totals' ? [output.total] : [],
    );
    expect(totals).toEqual([
      {
        ...{ publisher: 'pub-1', moment: 'charge_posted', account: 'payer_receivable' },
        ...{ asset: Sample.usdc, entries: 2, debits: 2000n, credits: 0n },
      },
      {
        ...{ publisher: 'pub-1', moment: 'charge_posted', account: 'publisher_payable' },
        ...{ asset: Sample.usdc, entries: 2, debits: 0n, credits: 2000n },
      },
    ]);
    expect(outputs.filter(({ table }) => table === 'ledger_entries').length).toBe(2);
  });
});

describe('settlements projection', () => {
  test('behavior: sealed, submitted twice, confirmed; then its state is gone', () => {
    const fold = given(settlementsFold);
    fold.feed('BatchSealed', Sample.batchSealed(), { atMs: noon });
    fold.feed('BatchSubmitted', Sample.batchSubmitted(), { atMs: noon + 1 });
    fold.feed('BatchSubmitted', Sample.batchSubmitted({ attempt: 2 }), { atMs: noon + 2 });
    const outputs = fold.feed('BatchConfirmed', Sample.batchConfirmed(), { atMs: noon + 3 });
    expect(outputs).toContainEqual(
      expect.objectContaining({
        table: 'batches',
        batch: expect.objectContaining({
          ...{ status: 'confirmed', attempts: 2, block: 7, gasCost: 90_000_000_000_000n },
          ...{ sealedAtMs: noon, submittedAtMs: noon + 1, confirmedAtMs: noon + 3 },
        }),
      }),
    );
    expect(fold.range('b/')).toEqual([]);
  });
});
