import type { TransactionAnswer } from '@paycrawl/chain/chain';
import { authorizationUsedTopic, transferTopic } from '@paycrawl/chain/usdc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../api.given.js';
import * as Sample from '../projection/events.given.js';
import type { Reconciliation } from '../routes/api-types.js';
import { matchTransfers, type SettlementChain } from './chain-transfers.js';
import { type Check, checksOf, type Figures } from './checks.js';
import { withPatience } from './reconciler.js';

const asset = Sample.usdc;
const sum = (measure: 'charged' | 'settled', amount: bigint, events = 1n) => ({
  ...{ measure, asset, events, amount },
});
const none: Figures = {
  ...{ log: [], facts: [], hours: [], pathDays: [], pathMonths: [] },
  ...{ ledger: [], entries: [], chain: [] },
};

function outcomes(checks: readonly Check[]): Record<string, string> {
  return Object.fromEntries(checks.map(({ name, outcome }) => [name, outcome]));
}

describe('checks', () => {
  test('behavior: a difference is told with its sign and both sides', () => {
    const log = [sum('charged', 1000n)];
    const payable = { moment: 'charge_posted', account: 'publisher_payable', asset };
    const ledger = [{ ...payable, debits: 0n, credits: 900n }];
    const check = checksOf({ ...none, log, ledger }).find(
      ({ name }) => name === 'charged_log_ledger',
    );
    expect(check).toMatchObject({
      ...{ outcome: 'differs', difference: '100', asset },
      left: { value: '1000' },
      right: { value: '900' },
    });
  });

  test('behavior: a missing fact, a doubled roll-up and an unbalanced ledger are found', () => {
    const log = [sum('charged', 1000n)];
    const doubled = [sum('charged', 2000n, 2n)];
    const gas = { moment: 'gas_spent', account: 'gas_expense', asset, debits: 5n, credits: 4n };
    const found = outcomes(checksOf({ ...none, log, hours: doubled, ledger: [gas] }));
    expect(found).toMatchObject({
      ...{ events_log_facts: 'differs', amounts_log_rollup_hour: 'differs' },
      ...{ ledger_debits_credits: 'differs', ledger_totals_entries: 'differs' },
    });
  });

  test('behavior: the chain is unknown until every transaction was read', () => {
    const log = [sum('settled', 1000n)];
    expect(outcomes(checksOf({ ...none, log, chain: undefined }))).toMatchObject({
      settled_log_chain: 'unknown',
    });
    const chain = [{ asset, amount: 999n }];
    expect(outcomes(checksOf({ ...none, log, chain })).settled_log_chain).toBe('differs');
  });

  test('behavior: only a difference that stays is one', () => {
    const check = checksOf({ ...none, log: [sum('charged', 1n)] }).filter(
      ({ name }) => name === 'charged_log_ledger',
    );
    const differsSince = new Map<string, number>();
    const at = (nowMs: number) =>
      withPatience(check, { differsSince, nowMs, patienceMs: 100 })[0]?.outcome;
    expect([at(1000), at(1099), at(1100)]).toEqual(['unknown', 'unknown', 'differs']);
    withPatience([{ ...(check[0] as Check), outcome: 'equal' }], {
      ...{ differsSince, nowMs: 1200, patienceMs: 100 },
    });
    expect(at(1300)).toBe('unknown');
  });
});

describe('transfers of a transaction', () => {
  const end = (from: string, value: bigint) => ({
    ...{ authorizer: from, nonce: '0x', kind: 'used', transactionHash: '0x', blockHash: '0x' },
    ...{ blockNumber: 1, logIndex: 0, transfer: { from, to: Sample.payTo, value, logIndex: 1 } },
  });

  test('behavior: every charge needs a transfer of its own', () => {
    const from = `0x${'a'.repeat(40)}`;
    const ends = [end(from, 1000n), end(from, 70n)] as Parameters<typeof matchTransfers>[1];
    const { payer } = Sample;
    expect(matchTransfers({ payers: [payer], amounts: ['1000'] }, ends)).toEqual([1000n]);
    const twice = { payers: [payer, payer], amounts: ['1000', '1000'] };
    expect(matchTransfers(twice, ends)).toEqual([1000n]);
    const stranger = Sample.payer.replaceAll('a'.repeat(40), 'd'.repeat(40));
    expect(matchTransfers({ payers: [stranger], amounts: ['70'] }, ends)).toEqual([]);
  });
});

describe('reconciliation with a chain', () => {
  let api: TestApi;
  const answers: TransactionAnswer[] = [];
  const chain: SettlementChain = {
    transactionAt: async () => answers.shift() ?? { outcome: 'absent' },
  };
  beforeAll(async () => {
    api = await startTestApi(chain);
    await api.append('decisions', 'ChargePosted', Sample.chargePosted());
    await api.append('decisions', 'ChargeInFlight', Sample.chargeInFlight());
    await api.append('decisions', 'ChargeSettled', Sample.chargeSettled());
    await api.append('ledger', 'LedgerPosted', Sample.ledgerPosted());
    const settled = { moment: 'charge_settled' as const };
    const entries = [
      { account: 'publisher_payable/pub-1', side: 'debit' as const, amount: '1000' },
      { account: 'in_flight/pub-1', side: 'credit' as const, amount: '1000' },
    ];
    await api.append('ledger', 'LedgerPosted', Sample.ledgerPosted({ ...settled, entries }));
    await api.visible();
  });
  afterAll(() => api.close());

  function mined(value: bigint): TransactionAnswer {
    const word = (hex: string) => `0x${hex.padStart(64, '0')}` as const;
    const from = word('a'.repeat(40));
    const log = (topics: `0x${string}`[], data: `0x${string}`, logIndex: number) => ({
      ...{ address: Sample.token as `0x${string}`, topics, data, logIndex },
    });
    return {
      ...{ outcome: 'mined', succeeded: true, blockNumber: 7, blockHash: word('7') },
      ...{ gasUsed: 1n, feeWei: 1n },
      logs: [
        log([authorizationUsedTopic, from, word('1')], '0x', 0),
        log([transferTopic, from, word('b'.repeat(40))], word(value.toString(16)), 1),
      ],
    };
  }

  async function chainCheck() {
    const path = '/v1/reconciliation';
    const body = (await api.get(path, api.tokens.operator)).body as Reconciliation;
    const check = body.checks.find(({ name }) => name === 'settled_log_chain');
    return [body.outcome, check?.outcome, check?.difference];
  }

  // The clock moves on a millisecond a call; an answer stays fresh for a second.
  const later = async () => {
    for (let step = 0; step < 1100; step += 1) await api.append('registry', 'OfferRestored', offer);
  };
  const offer = { dialect: 'x402-v1-exact', reason: 'test' };

  test('behavior: unknown, then different, then equal, as the chain answers', async () => {
    expect(await chainCheck()).toEqual(['unknown', 'unknown', null]);
    answers.push(mined(999n));
    await later();
    expect(await chainCheck()).toEqual(['differs', 'differs', '1000']);
    answers.push(mined(1000n));
    await later();
    expect(await chainCheck()).toEqual(['equal', 'equal', '0']);
    // Read completely: it is not asked again.
    await later();
    expect(await chainCheck()).toEqual(['equal', 'equal', '0']);
  });

  test('behavior: rows that went missing in the warehouse are found', async () => {
    await api.warehouse.exec(`ALTER TABLE facts DELETE WHERE measure = 'charged'
      SETTINGS mutations_sync = 2`);
    await later();
    const { body } = await api.get('/v1/reconciliation', api.tokens.operator);
    const differing = (body as Reconciliation).checks.filter(
      ({ outcome }) => outcome === 'differs',
    );
    expect(differing.map(({ name }) => name)).toEqual(['events_log_facts', 'amounts_log_facts']);
  });
});
