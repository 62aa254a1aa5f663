import { expect, test } from 'vitest';
import { codeTitle, dialectTitle, eventTitle, shortened, symbolOf } from './words.js';

test('behavior: an event type becomes words without its version', () => {
  expect(eventTitle('PaymentAccepted.v1')).toBe('Payment accepted');
  expect(eventTitle('SomethingNew.v12')).toBe('Something new');
});

test('behavior: codes become words, unknown dialects stay', () => {
  expect(codeTitle('insufficient_funds')).toBe('Insufficient funds');
  expect(dialectTitle('x402-v2-exact')).toBe('x402 v2, exact');
  expect(dialectTitle('a-new-one')).toBe('a-new-one');
});

test('behavior: a hash keeps both its ends, a short id all of it', () => {
  expect(shortened(`0x${'ab'.repeat(32)}`)).toBe('0xababab…ababab');
  expect(shortened('bat_3_17')).toBe('bat_3_17');
});

test('behavior: an asset that the session does not know shows its id and no symbol', () => {
  const known = [{ asset: 'eip155:1/erc20:0xaa', symbol: 'USDC' }];
  expect(symbolOf(known, 'eip155:1/erc20:0xaa')).toBe('USDC');
  expect(symbolOf(known, 'eip155:1/erc20:0x1234567890abcdef')).toBe('0x1234…cdef');
});
