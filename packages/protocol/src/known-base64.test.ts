import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { base64Around, knownEnd, knownText } from './known-base64.js';

test('property: what is put together is what would be written in one go', () => {
  const text = fc.string({ unit: 'grapheme' });
  fc.assert(
    fc.property(text, text, text, text, (first, inner, second, last) => {
      const known = `{"${inner}":`;
      const end = `, ${last}}}`;
      expect(base64Around(first, knownText(known), second, knownEnd(end))).toBe(
        Buffer.from(first + known + second + end).toString('base64'),
      );
    }),
  );
});
