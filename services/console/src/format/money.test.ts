import { describe, expect, test } from 'vitest';
import {
  formatMoney,
  grouped,
  inAsset,
  isAtomicText,
  largestOf,
  partsOf,
  permilleRoundingDown,
} from './money.js';

const usdc = (amount: string) => ({ asset: 'usdc', amount, decimals: 6 });

describe('formatMoney', () => {
  test.each([
    ['0', '0.00 USDC'],
    ['1', '0.000001 USDC'],
    ['1000', '0.001 USDC'],
    ['10000', '0.01 USDC'],
    ['1000000', '1.00 USDC'],
    ['1284700', '1.2847 USDC'],
    ['1234567890123', '1,234,567.890123 USDC'],
    ['-2500', '\u22120.0025 USDC'],
  ])('behavior: %s atomic units read %s', (amount, words) => {
    expect(formatMoney(usdc(amount), 'USDC')).toBe(words);
  });

  test('behavior: an amount beyond a double keeps every digit', () => {
    const gas = { asset: 'eth', amount: '123456789012345678901234567', decimals: 18 };
    expect(formatMoney(gas, 'ETH')).toBe('123,456,789.012345678901234567 ETH');
  });

  test('behavior: an asset without decimals has no fraction, one with one has one', () => {
    expect(formatMoney({ asset: 'a', amount: '1200', decimals: 0 }, 'A')).toBe('1,200 A');
    expect(formatMoney({ asset: 'a', amount: '1200', decimals: 1 }, 'A')).toBe('120.0 A');
  });

  test('behavior: the digits beyond hundredths are a part of their own', () => {
    expect(partsOf(usdc('1284700'))).toEqual({ sign: '', whole: '1', cents: '.28', fine: '47' });
  });
});

test('behavior: only canonical integers are atomic units', () => {
  expect(['0', '7', '-7', '90071992547409930'].every(isAtomicText)).toBe(true);
  const others = ['', '-', '00', '07', '1.0', '1e3', ' 1', '0x1', '1_000', '+1'];
  expect(others.filter(isAtomicText)).toEqual([]);
});

test('behavior: digits are grouped in threes', () => {
  expect(['1', '999', '1000', '1234567'].map(grouped)).toEqual(['1', '999', '1,000', '1,234,567']);
});

test('behavior: sums and comparisons stay exact beyond a double', () => {
  const monies = [usdc('9007199254740993'), { asset: 'other', amount: '5', decimals: 6 }];
  expect(inAsset(monies, 'usdc')).toBe(9007199254740993n);
  expect(inAsset(monies, 'none')).toBe(0n);
  expect(largestOf([3n, 9007199254740993n, 9007199254740992n])).toBe(9007199254740993n);
});

test('behavior: a bar is 0 to 1000 thousandths wide', () => {
  expect(permilleRoundingDown(1n, 3n)).toBe(333);
  expect(permilleRoundingDown(3n, 3n)).toBe(1000);
  expect(permilleRoundingDown(4n, 3n)).toBe(1000);
  expect(permilleRoundingDown(-1n, 3n)).toBe(0);
  expect(permilleRoundingDown(1n, 0n)).toBe(0);
});
