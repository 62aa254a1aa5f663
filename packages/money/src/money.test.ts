import { PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as Money from './money.js';

const usdc: Money.Asset = {
  id: 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  symbol: 'USDC',
  decimals: 6,
};
const cents: Money.Asset = { id: 'test:cents', symbol: 'CENT', decimals: 2 };
const ether: Money.Asset = { id: 'eip155:84532/slip44:60', symbol: 'ETH', decimals: 18 };

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof PaycrawlError ? error.code : 'untyped';
  }
  return 'none';
}

describe('prices', () => {
  test.each([
    ['USD 0.001', 1_000n],
    ['USD 0.000001', 1n],
    ['USD 0', 0n],
    ['USD 1', 1_000_000n],
    ['USD 3.14', 3_140_000n],
    ['USD 999999999999.999999', 999_999_999_999_999_999n],
  ])('behavior: %s is %s micros', (text, micros) => {
    expect(Money.parsePrice(text)).toEqual({ currency: 'USD', micros });
    expect(Money.parsePriceExactly(text, usdc).atomic).toBe(micros);
  });

  test.each([
    'USD0.1',
    'usd 0.1',
    'USD  0.1',
    'USD 0.1 ',
    'USD .1',
    'USD 1.',
    'USD 01',
    'USD 0.0000001',
    'USD -1',
    'USD 1e3',
    'USD 1,000',
    'USD 1000000000000',
    'USDC 1',
    '0.1',
    '',
    'USD ٣',
    'USD 0.1\n',
  ])('error: money_price_invalid for %j', (text) => {
    expect(codeOf(() => Money.parsePrice(text))).toBe('money_price_invalid');
    expect(Money.isPrice(text)).toBe(false);
  });

  test('behavior: rounding goes the way its name says', () => {
    const price = Money.parsePrice('USD 0.001');
    expect(Money.priceToAtomicRoundingDown(price, cents)).toBe(0n);
    expect(Money.priceToAtomicRoundingUp(price, cents)).toBe(1n);
    expect(Money.priceToAtomicRoundingUp(price, ether)).toBe(10n ** 15n);
    expect(codeOf(() => Money.parsePriceExactly('USD 0.001', cents))).toBe('money_price_invalid');
  });

  test('property: parse(format(price)) = price', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), (micros) => {
        const price = { currency: 'USD', micros };
        expect(Money.parsePrice(Money.formatPrice(price))).toEqual(price);
      }),
    );
  });

  test('property: down ≤ exact ≤ up, and they differ by at most one unit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), fc.nat(18), (micros, decimals) => {
        const asset = { id: 'test:any', symbol: 'ANY', decimals };
        const price = { currency: 'USD', micros };
        const down = Money.priceToAtomicRoundingDown(price, asset);
        const up = Money.priceToAtomicRoundingUp(price, asset);
        expect(down * 10n ** 6n <= micros * 10n ** BigInt(decimals)).toBe(true);
        expect(up * 10n ** 6n >= micros * 10n ** BigInt(decimals)).toBe(true);
        expect(up - down <= 1n).toBe(true);
      }),
    );
  });
});

describe('shares of a cost', () => {
  test('property: all shares and the rest are the whole; none is more than its exact part', () => {
    const counts = fc.array(fc.bigInt({ min: 1n, max: 1000n }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 200n }), counts, (whole, parts) => {
        const count = parts.reduce((sum, part) => sum + part, 0n);
        const shares = parts.map((part) => Money.shareOfRoundingDown(whole, part, count));
        const rest = whole - shares.reduce((sum, share) => sum + share, 0n);
        expect(rest >= 0n && rest < BigInt(parts.length)).toBe(true);
        for (const [i, share] of shares.entries()) {
          expect(share * count <= whole * (parts[i] as bigint)).toBe(true);
        }
      }),
    );
  });
});

describe('atomic units', () => {
  test.each(['', '00', '01', '+1', '-1', '1.0', '1e3', ' 1', '1 ', '0x1', '9'.repeat(79), '١'])(
    'error: money_atomic_invalid for %j',
    (text) => {
      expect(codeOf(() => Money.parseAtomic(text))).toBe('money_atomic_invalid');
    },
  );

  test('property: parse(format(x)) = x up to uint256', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: Money.uint256Max }), (atomic) => {
        expect(Money.parseAtomic(Money.formatAtomic(atomic))).toBe(atomic);
      }),
    );
  });

  test('property: any text is read exactly or refused with a code', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const code = codeOf(() => Money.parseAtomic(text));
        expect(code === 'none' ? Money.parseAtomic(text).toString() === text : code).toBeTruthy();
        expect(['none', 'money_atomic_invalid']).toContain(code);
      }),
    );
  });
});

describe('sums', () => {
  test('property: add and subtract undo each other, compare agrees', () => {
    const atomic = fc.bigInt({ min: 0n, max: Money.uint256Max });
    fc.assert(
      fc.property(atomic, atomic, (a, b) => {
        const x = Money.amountOf(usdc, a);
        const sum = Money.add(x, Money.amountOf(usdc, b));
        expect(Money.subtract(sum, Money.amountOf(usdc, b))).toEqual(x);
        expect(Money.compare(sum, x)).toBe(b === 0n ? 0 : 1);
      }),
    );
  });

  test('property: a fee and the rest are the whole', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: Money.uint256Max }),
        fc.bigInt({ min: 0n, max: 10_000n }),
        (atomic, bps) => {
          const fee = Money.basisPointsRoundingDown(atomic, bps);
          expect(fee >= 0n && fee <= atomic).toBe(true);
        },
      ),
    );
  });

  test('error: money_asset_mismatch', () => {
    const mixed = () => Money.add(Money.zeroOf(usdc), Money.zeroOf(ether));
    expect(codeOf(mixed)).toBe('money_asset_mismatch');
  });

  test('error: money_negative', () => {
    const below = () => Money.subtract(Money.zeroOf(usdc), Money.amountOf(usdc, 1n));
    expect(codeOf(below)).toBe('money_negative');
    expect(codeOf(() => Money.formatAtomic(-1n))).toBe('money_negative');
  });
});

test('behavior: amounts are shown exactly', () => {
  expect(Money.format(Money.amountOf(usdc, 1_000n))).toBe('0.001 USDC');
  expect(Money.format(Money.amountOf(usdc, 2_000_000n))).toBe('2.00 USDC');
  expect(Money.format(Money.amountOf(usdc, -1n))).toBe('-0.000001 USDC');
  expect(Money.format(Money.amountOf({ ...usdc, decimals: 0 }, 7n))).toBe('7 USDC');
  expect(Money.format(Money.amountOf({ ...usdc, decimals: 1 }, 7n))).toBe('0.7 USDC');
});

test('property: the shares of a sum cover it, and no share is a unit too large', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n }), fc.bigInt({ min: 1n, max: 10_000n }), (sum, count) => {
      const share = Money.shareRoundingUp(sum, count);
      expect(share * count >= sum && (share === 0n || (share - 1n) * count < sum)).toBe(true);
    }),
  );
});
