import type { EventOfType } from '@paycrawl/events/event';
import type { LogOutput } from '@paycrawl/fold/fold';
import { type Specification, specify } from '@paycrawl/fold/specification';
import { describe, expect, it } from 'vitest';
import { chargePosted, charges, money, settled, signer } from './decide.given.js';
import { meteringFold } from './decide.js';
import { accountTotals, type Usage, usageKey } from './state.js';

const atMs = 20_000 * 86_400_000 + 5;
const asset = { network: money.network, asset: money.asset };

function given(): Specification<LogOutput> {
  return specify(meteringFold);
}

function balances(books: Specification<LogOutput>): Record<string, bigint> {
  const totals = accountTotals({ nowMs: 0, get: books.get, range: books.range });
  return Object.fromEntries(
    [...totals]
      .map(([key, { debit, credit }]) => [key.split('/').slice(2, 3).join(), debit - credit])
      .filter(([, balance]) => balance !== 0n),
  );
}

function usage(books: Specification<LogOutput>, publisherId = 'news'): Usage | undefined {
  return books.get<Usage>(usageKey({ publisherId, ...asset }, atMs));
}

function linesOf(outputs: readonly LogOutput[]): string[] {
  return outputs.flatMap((output) =>
    output.type === 'LedgerPosted'
      ? output.data.entries.map(
          ({ account, side, amount }) =>
            `${output.data.moment}: ${side} ${account.split('/')[0]} ${amount}`,
        )
      : [output.type],
  );
}

describe('given nothing, when a charge is posted', () => {
  it('behavior: then it is in the books and due, with all that settlement needs', () => {
    const books = given();
    const outputs = books.feed('ChargePosted', chargePosted(1), { atMs });
    expect(linesOf(outputs)).toEqual([
      'charge_posted: debit payer_receivable 1000',
      'charge_posted: credit publisher_payable 1000',
      'ChargeDue',
    ]);
    const { authorization, signature, payTo, chargeId } = chargePosted(1);
    expect(outputs[1]).toMatchObject({
      topic: 'charges',
      key: chargePosted(1).payer,
      data: { authorization, signature, payTo, chargeId, sealAtOnce: false, settleAlone: false },
    });
    expect(balances(books)).toEqual({ payer_receivable: 1000n, publisher_payable: -1000n });
    expect(usage(books)).toMatchObject({ charged: 1, chargedAmount: 1000n, chargedBytes: 2048 });
  });

  it('behavior: then a facilitated one clears through its API key and is sealed at once', () => {
    const books = given();
    const outputs = books.feed('ChargePosted', { ...chargePosted(1), kind: 'facilitated' });
    expect(linesOf(outputs)[1]).toBe('charge_posted: credit clearing 1000');
    expect(outputs[1]).toMatchObject({ data: { sealAtOnce: true } });
  });
});

describe('given a posted charge', () => {
  function posted(): Specification<LogOutput> {
    const books = given();
    books.feed('ChargePosted', chargePosted(1), { atMs });
    return books;
  }

  it('behavior: when it is sealed and settled, then nobody owes anything', () => {
    const books = posted();
    expect(linesOf(books.feed('ChargeInFlight', charges.inFlight(1)))).toEqual([
      'charge_in_flight: debit in_flight 1000',
      'charge_in_flight: credit payer_receivable 1000',
    ]);
    expect(balances(books)).toEqual({ in_flight: 1000n, publisher_payable: -1000n });
    expect(linesOf(books.feed('ChargeSettled', settled(1)))).toEqual([
      'charge_settled: debit publisher_payable 1000',
      'charge_settled: credit in_flight 1000',
    ]);
    expect(balances(books)).toEqual({});
    expect(books.range('open/')).toEqual([]);
    expect(usage(books)).toMatchObject({ settled: 1, settledAmount: 1000n });
  });

  it('behavior: when its batch is lost, then it is owed again and may be sealed again', () => {
    const books = posted();
    books.feed('ChargeInFlight', charges.inFlight(1));
    books.feed('ChargeReturned', charges.returned(1));
    expect(balances(books)).toEqual({ payer_receivable: 1000n, publisher_payable: -1000n });
    books.feed('ChargeInFlight', charges.inFlight(1));
    books.feed('ChargeSettled', settled(1));
    expect(balances(books)).toEqual({});
  });

  it.each([
    ['in a batch', true, 'in_flight'],
    ['in no batch', false, 'payer_receivable'],
  ] as const)('behavior: when it is uncollectible %s, then the publisher bears it', (...row) => {
    const [, sealed, from] = row;
    const books = posted();
    if (sealed) books.feed('ChargeInFlight', charges.inFlight(1));
    expect(linesOf(books.feed('ChargeUncollectible', charges.uncollectible(1)))).toEqual([
      'charge_uncollectible: debit publisher_payable 1000',
      `charge_uncollectible: credit ${from} 1000`,
    ]);
    expect(balances(books)).toEqual({});
    expect(usage(books)).toMatchObject({ uncollectible: 1, uncollectibleAmount: 1000n });
  });

  it('behavior: when it was paid elsewhere before any batch, then it leaves the receivable', () => {
    const books = posted();
    const outputs = books.feed('ChargeSettled', { ...settled(1), paidElsewhere: true });
    expect(linesOf(outputs)[1]).toBe('charge_settled: credit payer_receivable 1000');
    expect(balances(books)).toEqual({});
  });

  it('behavior: when everything went through the store, then the books go on the same', async () => {
    const books = posted();
    await books.restart();
    books.feed('ChargeInFlight', charges.inFlight(1));
    await books.restart();
    books.feed('ChargeSettled', settled(1));
    expect(balances(books)).toEqual({});
  });

  it.each<[string, (books: Specification<LogOutput>) => unknown]>([
    ['posted twice', (books) => books.feed('ChargePosted', chargePosted(1))],
    ['settled unknown', (books) => books.feed('ChargeSettled', settled(2))],
    ['returned from no batch', (books) => books.feed('ChargeReturned', charges.returned(1))],
    [
      'another amount',
      (books) => books.feed('ChargeInFlight', { ...charges.inFlight(1), amount: '999' }),
    ],
  ])('error: ledger_charge_out_of_order (%s)', (_name, act) => {
    const books = posted();
    expect(() => act(books)).toThrow(
      expect.objectContaining({ code: 'ledger_charge_out_of_order' }),
    );
  });
});

describe('given a platform fee', () => {
  function withFee(feeBps: number): Specification<LogOutput> {
    const books = given();
    books.feed('PlatformFeeChanged', { version: 1, feeBps });
    books.feed('ChargePosted', chargePosted(1));
    books.feed('ChargeInFlight', charges.inFlight(1));
    return books;
  }

  it('behavior: when a charge settles, then the publisher owes the fee', () => {
    const books = withFee(250);
    expect(linesOf(books.feed('ChargeSettled', settled(1))).slice(2)).toEqual([
      'platform_fee: debit publisher_fee_receivable 25',
      'platform_fee: credit fee_income 25',
    ]);
  });

  it('behavior: when it rounds to nothing, then nothing is posted', () => {
    expect(withFee(9).feed('ChargeSettled', settled(1))).toHaveLength(1);
  });

  it('behavior: when a record repeats or skips a version, then it is without effect', () => {
    const books = withFee(250);
    books.feed('PlatformFeeChanged', { version: 1, feeBps: 9999 });
    books.feed('PlatformFeeChanged', { version: 3, feeBps: 9999 });
    expect(linesOf(books.feed('ChargeSettled', settled(1)))[2]).toContain(' 25');
  });
});

describe('what moves no money', () => {
  it('behavior: released holds and rejections are counted only', () => {
    const books = given();
    expect(books.feed('HoldReleased', charges.released(1), { atMs })).toEqual([]);
    expect(books.feed('PaymentRejected', charges.rejected(2))).toEqual([]);
    expect(usage(books)).toMatchObject({ released: 1, rejected: 1, charged: 0 });
    expect(balances(books)).toEqual({});
  });

  it('behavior: an acceptance, a lease and a request for funds leave no trace', async () => {
    const books = given();
    const empty = await books.bytes();
    expect(books.feed('PaymentAccepted', charges.accepted(1))).toEqual([]);
    expect(books.feed('FundsRequested', charges.fundsRequested())).toEqual([]);
    expect(await books.bytes()).toBe(empty);
  });

  it('behavior: a loss is owed and lost in one balanced transaction', () => {
    const books = given();
    expect(books.feed('LossPosted', charges.loss(1), { atMs })).toHaveLength(1);
    expect(balances(books)).toEqual({});
    expect(usage(books)).toMatchObject({ lost: 1, lostAmount: 1000n });
  });

  it('error: ledger_event_unexpected', () => {
    expect(() => given().feed('TimePassed', {})).toThrow(
      expect.objectContaining({ code: 'ledger_event_unexpected' }),
    );
  });
});

describe('gas', () => {
  const spent: EventOfType<'GasSpent'>['data'] = charges.gas('21000');

  it('behavior: it is posted in the asset of the network, under the signer', () => {
    const books = given();
    const outputs = books.feed('GasSpent', spent);
    expect(linesOf(outputs)).toEqual([
      'gas_spent: debit gas_expense 21000',
      'gas_spent: credit signer_wallet 21000',
    ]);
    expect(outputs[0]).toMatchObject({ key: `eip155:84532:${signer}`, data: { asset: 'native' } });
  });

  it('behavior: what accounts of API keys bear is theirs, the rest the platform’s', () => {
    const share = (name: string, amountWei: string) => {
      return { account: `facilitator:${name}`, charges: 1, amountWei };
    };
    const books = given();
    const shares = [share('acme', '7000'), share('free', '0'), share('zeta', '7000')];
    const outputs = books.feed('GasSpent', charges.gas('21000', shares));
    expect(linesOf(outputs)).toEqual([
      'gas_spent: debit gas_expense 7000',
      'gas_spent: credit signer_wallet 7000',
      'gas_spent: debit gas_receivable 7000',
      'gas_spent: credit signer_wallet 7000',
      'gas_spent: debit gas_receivable 7000',
      'gas_spent: credit signer_wallet 7000',
    ]);
    expect(outputs[1]).toMatchObject({
      key: `eip155:84532:${signer}`,
      data: { publisherId: 'facilitator:acme', kind: 'facilitated', asset: 'native' },
    });
    expect(balances(books)).toMatchObject({ signer_wallet: -21_000n, gas_expense: 7_000n });
  });

  it('behavior: where accounts bear all of it, the platform posts nothing', () => {
    const shares = [{ account: 'facilitator:acme', charges: 3, amountWei: '21000' }];
    const outputs = given().feed('GasSpent', charges.gas('21000', shares));
    expect(linesOf(outputs)).toEqual([
      'gas_spent: debit gas_receivable 21000',
      'gas_spent: credit signer_wallet 21000',
    ]);
  });

  it('error: ledger_amount_negative where shares are more than was spent', () => {
    const shares = [{ account: 'facilitator:acme', charges: 3, amountWei: '21001' }];
    expect(() => given().feed('GasSpent', charges.gas('21000', shares))).toThrow(
      expect.objectContaining({ code: 'ledger_amount_negative' }),
    );
  });

  it('behavior: gas that cost nothing is no transaction', () => {
    expect(given().feed('GasSpent', charges.gas('0'))).toEqual([]);
  });
});
