import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accountLengthMax, accountOf, normalSideOf, purposeOf } from './account.js';
import { balanced, balancedTransaction, type Entry, type Moment, sumOf } from './transaction.js';

const payer = 'eip155:84532:0x1111111111111111111111111111111111111111';
const crawl = { kind: 'crawl', payer, publisherId: 'news', amount: 1000n } as const;
const facilitated = { ...crawl, kind: 'facilitated', publisherId: 'key-7' } as const;

function lines(moment: Moment): string[] {
  return balancedTransaction(moment).map(
    ({ account, side, amount }) => `${side} ${account} ${amount}`,
  );
}

describe('the table of moments', () => {
  it('behavior: a posted charge is owed by the payer and to the publisher', () => {
    expect(lines({ moment: 'charge_posted', ...crawl })).toEqual([
      `debit payer_receivable/${payer} 1000`,
      'credit publisher_payable/news 1000',
    ]);
  });

  it('behavior: a facilitated charge clears through the account of its API key', () => {
    expect(lines({ moment: 'charge_posted', ...facilitated })).toEqual([
      `debit payer_receivable/${payer} 1000`,
      'credit clearing/key-7 1000',
    ]);
    expect(lines({ moment: 'charge_settled', from: 'in_flight', ...facilitated })).toEqual([
      'debit clearing/key-7 1000',
      'credit in_flight/key-7 1000',
    ]);
  });

  it('behavior: sealing moves it in flight, returning moves it back', () => {
    expect(lines({ moment: 'charge_in_flight', ...crawl })).toEqual([
      'debit in_flight/news 1000',
      `credit payer_receivable/${payer} 1000`,
    ]);
    expect(lines({ moment: 'charge_returned', ...crawl })).toEqual([
      `debit payer_receivable/${payer} 1000`,
      'credit in_flight/news 1000',
    ]);
  });

  it('behavior: a charge that is uncollectible is the loss of the publisher', () => {
    expect(lines({ moment: 'charge_uncollectible', from: 'in_flight', ...crawl })).toEqual([
      'debit publisher_payable/news 1000',
      'credit in_flight/news 1000',
    ]);
    expect(lines({ moment: 'charge_uncollectible', from: 'payer_receivable', ...crawl })).toEqual([
      'debit publisher_payable/news 1000',
      `credit payer_receivable/${payer} 1000`,
    ]);
  });

  it('behavior: an unchargeable delivery is owed and lost in one transaction', () => {
    expect(lines({ moment: 'loss_posted', ...crawl })).toEqual([
      `debit payer_receivable/${payer} 1000`,
      'credit publisher_payable/news 1000',
      'debit publisher_payable/news 1000',
      `credit payer_receivable/${payer} 1000`,
    ]);
  });

  it('behavior: fee and gas have accounts of their own', () => {
    expect(lines({ moment: 'platform_fee', publisherId: 'news', amount: 5n })).toEqual([
      'debit publisher_fee_receivable/news 5',
      'credit fee_income/platform 5',
    ]);
    const signer = '0x2222222222222222222222222222222222222222';
    expect(lines({ moment: 'gas_spent', network: 'eip155:84532', signer, amount: 7n })).toEqual([
      'debit gas_expense/eip155:84532 7',
      `credit signer_wallet/${signer} 7`,
    ]);
    const bearer = 'facilitator:acme';
    const borne = { moment: 'gas_spent', bearer, network: 'eip155:84532', signer } as const;
    expect(lines({ ...borne, amount: 7n })).toEqual([
      'debit gas_receivable/facilitator:acme 7',
      `credit signer_wallet/${signer} 7`,
    ]);
  });
});

describe('balance', () => {
  const amount = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
  const parties = fc.record({
    kind: fc.constantFrom('crawl' as const, 'facilitated' as const),
    payer: fc.string({ minLength: 1, maxLength: 220, unit: 'binary' }),
    publisherId: fc.string({ minLength: 1, maxLength: 220, unit: 'binary' }),
    amount,
  });
  const moment: fc.Arbitrary<Moment> = fc.oneof(
    parties.chain((charge) =>
      fc.constantFrom<Moment>(
        { moment: 'charge_posted', ...charge },
        { moment: 'charge_in_flight', ...charge },
        { moment: 'charge_returned', ...charge },
        { moment: 'charge_settled', from: 'in_flight', ...charge },
        { moment: 'charge_settled', from: 'payer_receivable', ...charge },
        { moment: 'charge_uncollectible', from: 'in_flight', ...charge },
        { moment: 'charge_uncollectible', from: 'payer_receivable', ...charge },
        { moment: 'loss_posted', ...charge },
      ),
    ),
    fc.record({
      moment: fc.constant('platform_fee' as const),
      publisherId: fc.string({ minLength: 1 }),
      amount,
    }),
    fc.record({
      moment: fc.constant('gas_spent' as const),
      ...{ bearer: fc.string({ minLength: 1, unit: 'binary' }) },
      network: fc.constant('eip155:1'),
      signer: fc.string({ minLength: 1 }),
      amount,
    }),
  );

  it('property: any sequence of moments sums to zero, in accounts that fit their field', () => {
    fc.assert(
      fc.property(fc.array(moment, { maxLength: 30 }), (moments) => {
        const entries = moments.flatMap(balancedTransaction);
        const { debit, credit } = sumOf(entries);
        expect(debit).toBe(credit);
        for (const { account } of entries) {
          expect(account.length).toBeLessThanOrEqual(accountLengthMax);
          expect(account).toMatch(/^[a-z_]+\/[-A-Za-z0-9._:@%~]+$/);
        }
      }),
    );
  });

  it('property: a life of a charge leaves no account on its wrong side', () => {
    const path = fc.array(fc.boolean(), { maxLength: 6 });
    fc.assert(
      fc.property(parties, path, fc.boolean(), (charge, retries, settles) => {
        const moments: Moment[] = [{ moment: 'charge_posted', ...charge }];
        for (const isReturned of retries) {
          moments.push({ moment: 'charge_in_flight', ...charge });
          if (!isReturned) break;
          moments.push({ moment: 'charge_returned', ...charge });
        }
        const last = moments.at(-1)?.moment;
        const from = last === 'charge_in_flight' ? 'in_flight' : 'payer_receivable';
        const end = settles ? 'charge_settled' : 'charge_uncollectible';
        moments.push({ moment: end, from, ...charge });
        const balances = new Map<string, bigint>();
        for (const step of moments) {
          for (const { account, side, amount: value } of balancedTransaction(step)) {
            const grows = side === normalSideOf(purposeOf(account));
            balances.set(account, (balances.get(account) ?? 0n) + (grows ? value : -value));
          }
          for (const balance of balances.values()) expect(balance >= 0n).toBe(true);
        }
        for (const balance of balances.values()) expect(balance).toBe(0n);
      }),
    );
  });

  it.each<[string, Entry[]]>([
    ['one side missing', [{ account: 'a/b', side: 'debit', amount: 1n }]],
    [
      'a unit too much',
      [
        { account: 'a/b', side: 'debit', amount: 2n },
        { account: 'a/c', side: 'credit', amount: 1n },
      ],
    ],
    ['nothing at all', []],
  ])('error: ledger_unbalanced (%s)', (_name, entries) => {
    expect(() => balanced(entries)).toThrowError(
      expect.objectContaining({ code: 'ledger_unbalanced' }),
    );
  });

  it('error: ledger_amount_negative', () => {
    expect(() => balancedTransaction({ moment: 'charge_posted', ...crawl, amount: -1n })).toThrow(
      expect.objectContaining({ code: 'ledger_amount_negative' }),
    );
  });
});

describe('accounts', () => {
  it('property: two owners never share an account', () => {
    const owner = fc.oneof(
      fc.string({ minLength: 1, maxLength: 300, unit: 'binary' }),
      fc.constantFrom('a/b', 'a%2fb', '~a', 'a', 'A'),
    );
    fc.assert(
      fc.property(owner, owner, (a, b) => {
        const same = Buffer.from(a).equals(Buffer.from(b));
        expect(accountOf('in_flight', a) === accountOf('in_flight', b)).toBe(same);
      }),
    );
  });

  it('behavior: a plain owner stands as it is, everything else is escaped or hashed', () => {
    expect(accountOf('payer_receivable', payer)).toBe(`payer_receivable/${payer}`);
    expect(accountOf('clearing', '../x y')).toBe('clearing/..%2fx%20y');
    expect(accountOf('clearing', 'k'.repeat(300))).toMatch(/^clearing\/~[0-9a-f]{64}$/);
  });
});
