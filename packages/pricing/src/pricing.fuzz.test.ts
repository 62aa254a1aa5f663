import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recogniseCrawler } from './crawler.js';
import { compileBook, matchRule } from './match-rule.js';
import { compilePattern, matches } from './path-pattern.js';
import { normalizeTarget } from './target.js';

const usdc = { id: 'test:usdc', symbol: 'USDC', decimals: 6 };
const bot = { name: 'GPTBot', kind: 'ai-agent' } as const;
const odd = fc.constantFrom(
  '.',
  '..',
  '',
  ';',
  '%2e',
  '%2f',
  '%5c',
  '%25',
  ';x',
  'a',
  'B',
  'é',
  '%c3%a9',
  '*',
  '(',
  '%28',
);
const oddPath = fc.array(odd, { maxLength: 8 }).map((parts) => `/${parts.join('/')}`);
const anyTarget = fc.oneof(
  oddPath,
  fc.string({ unit: 'binary' }).map((text) => `/${text}`),
  fc.webPath(),
);

test('property: normalising is idempotent, and nothing is left that an origin could resolve', () => {
  fc.assert(
    fc.property(anyTarget, (raw) => {
      const reading = normalizeTarget(raw);
      if (reading.kind === 'refused') return;
      const again = normalizeTarget(reading.path + reading.query);
      expect(again).toEqual(reading);
      expect(reading.path).toMatch(/^\/[\x21-\x7e]*$/);
      expect(reading.path).not.toMatch(/\/\/|\\|%2f|%5c|%2e|%00/i);
      expect(reading.path.split('/').map((segment) => segment.split(';')[0])).not.toContain('..');
    }),
    { numRuns: 2_000 },
  );
});

test('property: a page that is paid is paid in every spelling that an origin may read as it', () => {
  const book = compileBook(
    {
      rules: [
        { id: 'free', path: '/free/**', crawlers: 'everyone', free: true },
        { id: 'text', path: '/**/*.txt', crawlers: 'everyone', free: true },
        { id: 'paid', path: '/Paid/**', crawlers: 'ai-agents', price: 'USD 0.001' },
      ],
    },
    usdc,
  );
  const spelledLetter = (char: string) =>
    fc.constantFrom(
      char,
      char.toUpperCase(),
      `%${char.charCodeAt(0).toString(16)}`,
      `%${char.toUpperCase().charCodeAt(0).toString(16).toUpperCase()}`,
    );
  const spelled = fc.tuple(...[...'paid'].map(spelledLetter)).map((letters) => letters.join(''));
  const before = fc.array(
    fc.constantFrom('', '.', 'free/..', 'free/x/../..', '%2e', 'a/%2E%2e', '..'),
  );
  const after = fc.constantFrom(
    '',
    '/',
    '/.',
    '//',
    ';x',
    ';.txt',
    '/x',
    '/x/',
    '/x;.txt',
    '/free/../y',
  );
  fc.assert(
    fc.property(before, spelled, after, (prefix, page, suffix) => {
      const target = normalizeTarget(`/${[...prefix, page].join('/')}${suffix}`);
      if (target.kind === 'refused') return;
      expect(matchRule(book, { target, crawler: bot, atMs: 0 }).kind).toBe('priced');
    }),
    { numRuns: 2_000 },
  );
});

test('property: the pattern match agrees with a regular expression', () => {
  const piece = fc.constantFrom('a', 'b', 'ab', '*', 'a*', '*b', 'a*b', '**');
  const segment = fc.constantFrom('a', 'b', 'ab', 'aab', 'abb', 'c', '');
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 6 }),
      fc.array(segment, { maxLength: 8 }),
      (parts, path) => {
        const pattern = compilePattern(`/${parts.join('/')}`);
        if (pattern === undefined) return;
        const source = pattern.strict
          .map((part) => {
            if (part === '**') return '(?:/[^/]*)*';
            return `/${'literal' in part ? part.literal : part.parts.join('[^/]*')}`;
          })
          .join('');
        const expected = new RegExp(`^${source}$`).test(path.map((one) => `/${one}`).join(''));
        expect(matches(pattern.strict, path)).toBe(expected);
      },
    ),
    { numRuns: 3_000 },
  );
});

test('behavior: a thousand nasty rules and a nasty path take less than 50 ms', () => {
  const rules = Array.from({ length: 1_000 }, (_, i) => ({
    id: `r${i}`,
    path: '/**/a*a*a*b/**/a*a*a*c/**/d',
    crawlers: 'everyone' as const,
    price: 'USD 0.001',
  }));
  const book = compileBook({ rules }, usdc);
  const target = normalizeTarget('/aaaaaaaaaaaaaaaaaaab'.repeat(100));
  if (target.kind === 'refused') throw target;
  const startedAt = process.hrtime.bigint();
  expect(matchRule(book, { target, crawler: bot, atMs: 0 }).kind).toBe('unruled');
  expect(process.hrtime.bigint() - startedAt).toBeLessThan(50_000_000n * 4n);
});

test('property: any user agent has a name and a kind', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const crawler = recogniseCrawler(text);
      expect(crawler.name.length).toBeGreaterThan(0);
      expect(recogniseCrawler(text)).toEqual(crawler);
    }),
  );
});
