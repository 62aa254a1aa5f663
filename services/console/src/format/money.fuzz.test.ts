import fc from 'fast-check';
import { test } from 'vitest';
import { formatMoney, isAtomicText, permilleRoundingDown } from './money.js';

const decimalsMax = 36;

test('property: a printed amount read back digit by digit is the amount', () => {
  fc.assert(
    fc.property(fc.bigInt(), fc.integer({ min: 0, max: decimalsMax }), (atomic, decimals) => {
      const printed = formatMoney({ asset: 'a', amount: atomic.toString(), decimals }, 'A');
      const [figure = ''] = printed.replaceAll(',', '').replace('\u2212', '-').split(' ');
      const [whole = '', fraction = ''] = figure.split('.');
      return BigInt(whole + fraction.padEnd(decimals, '0')) === atomic;
    }),
  );
});

test('property: a text is atomic units just when BigInt prints it back unchanged', () => {
  const texts = fc.oneof(fc.string(), fc.bigInt().map(String), fc.stringMatching(/^-?0?\d{1,4}$/));
  fc.assert(
    fc.property(texts, (text) => {
      let isCanonical = false;
      try {
        isCanonical = text.trim() !== '' && BigInt(text).toString() === text;
      } catch {
        // Not an integer at all.
      }
      return isAtomicText(text) === isCanonical;
    }),
  );
});

test('property: a bar is never wider than the longest and never negative', () => {
  fc.assert(
    fc.property(fc.bigInt(), fc.bigInt(), (part, whole) => {
      const permille = permilleRoundingDown(part, whole);
      return Number.isInteger(permille) && permille >= 0 && permille <= 1000;
    }),
  );
});
