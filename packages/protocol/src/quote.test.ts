import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type QuotedTerms, readQuote, writeQuote } from './quote.js';

const key = { id: 'k1', secret: Buffer.alloc(32, 7) };
const terms: QuotedTerms = {
  method: 'GET',
  url: 'http://site.example/a',
  network: 'eip155:84532',
  asset: `0x${'03'.repeat(20)}`,
  payTo: `0x${'ab'.repeat(20)}`,
  amount: '1000',
};
const quote = { challengeId: 'ch_1', ruleId: 'all', ruleVersion: 1, expiresAtS: 1_800_000_000 };
const check = { keys: [key], nowMs: 0, skewMs: 0 };

test('behavior: the compact form is pinned', () => {
  expect(writeQuote(key, terms, quote)).toBe('1.tro8w0.k1.all.1.ch_1.qRN9u6oY_Yc7DOfCR9-Qjw');
});

test('property: what is written is read back', () => {
  const name = fc.stringMatching(/^[\w-]{1,64}$/);
  const quotes = fc.record({
    challengeId: name,
    ruleId: name,
    ruleVersion: fc.nat(),
    expiresAtS: fc.nat(),
  });
  fc.assert(
    fc.property(quotes, (any) => {
      const reading = readQuote(check, terms, writeQuote(key, terms, any));
      expect(reading).toEqual({ kind: 'quote', quote: any });
    }),
  );
});

test('property: any change of a term or of a character is noticed', () => {
  const compact = writeQuote(key, terms, quote);
  const fields = fc.constantFrom<keyof QuotedTerms>(
    'method',
    'url',
    'network',
    'asset',
    'payTo',
    'amount',
  );
  fc.assert(
    fc.property(fields, fc.string(), (field, value) => {
      fc.pre(terms[field] !== value);
      expect(readQuote(check, { ...terms, [field]: value }, compact).kind).toBe('altered');
    }),
  );
  fc.assert(
    fc.property(
      fc.nat(compact.length - 1),
      fc.string({ minLength: 1, maxLength: 1 }),
      (at, char) => {
        const changed = compact.slice(0, at) + char + compact.slice(at + 1);
        // The last character of a base64url MAC has unused bits; the grammar of 22 keeps the rest.
        fc.pre(changed !== compact && at < compact.length - 1);
        expect(readQuote(check, terms, changed).kind).toBe('altered');
      },
    ),
  );
});

test('error: the MAC in another spelling of base64url is no MAC', () => {
  const compact = writeQuote(key, terms, quote);
  const spellings = ['x', 'y', 'z'].map((last) => compact.slice(0, -1) + last);
  const bytesOf = (text: string) => Buffer.from(text.slice(-22), 'base64url');
  for (const spelling of spellings) {
    expect(bytesOf(spelling)).toEqual(bytesOf(compact));
    expect(readQuote(check, terms, spelling).kind).toBe('altered');
  }
});

test('property: any text is read or refused, never a throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(readQuote(check, terms, text).kind).toBe('altered');
    }),
  );
});
