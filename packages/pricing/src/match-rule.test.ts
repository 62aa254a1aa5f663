import { PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import { describe, expect, test } from 'vitest';
import { type Crawler, recogniseCrawler } from './crawler.js';
import { compileBook, dependsOnCrawler, matchRule } from './match-rule.js';
import { defaultPriceBook, isBillable, type PriceBook, readPriceBook } from './price-book.js';
import { normalizeTarget } from './target.js';

const usdc = { id: 'test:usdc', symbol: 'USDC', decimals: 6 };
const bot: Crawler = { name: 'GPTBot', kind: 'ai-agent' };
const reader: Crawler = { name: 'browser', kind: 'person' };

function rulingOf(book: PriceBook, raw: string, crawler = bot, at = '2026-11-21T00:00:00Z') {
  const target = normalizeTarget(raw);
  if (target.kind === 'refused') return target.code;
  const compiled = compileBook(book, usdc);
  const ruling = matchRule(compiled, { target, crawler, atMs: Date.parse(at) });
  return ruling.kind === 'unruled' ? 'unruled' : `${ruling.kind} ${ruling.rule.id}`;
}

describe('who pays', () => {
  const book: PriceBook = {
    rules: [
      { id: 'about', path: '/about', crawlers: 'everyone', free: true },
      { id: 'no-entry', path: '/private/**', crawlers: ['BadBot'], block: true },
      { id: 'named', path: '/articles/*', crawlers: ['gptbot', 'MyBot'], price: 'USD 0.002' },
      { id: 'pdf', path: '/**/*.pdf', crawlers: 'everyone', price: 'USD 1' },
      { id: 'rest', path: '/**', crawlers: 'ai-agents', price: 'USD 0.001' },
    ],
  };

  test.each([
    ['/about', bot, 'free about'],
    ['/About', bot, 'priced rest'],
    ['/about/', bot, 'priced rest'],
    ['/about;x', bot, 'priced rest'],
    ['/articles/1', bot, 'priced named'],
    ['/ARTICLES/1/', bot, 'priced named'],
    ['/articles/1/2', bot, 'priced rest'],
    ['/articles/1', { name: 'MyBot', kind: 'other-bot' }, 'priced named'],
    ['/articles/1', { name: 'OtherBot', kind: 'other-bot' }, 'unruled'],
    ['/articles/1', reader, 'unruled'],
    ['/a/b/c.pdf', reader, 'priced pdf'],
    ['/c.PDF', reader, 'priced pdf'],
    ['/private/x', { name: 'BadBot', kind: 'other-bot' }, 'blocked no-entry'],
    ['/Private', { name: 'badbot', kind: 'other-bot' }, 'blocked no-entry'],
    ['/', bot, 'priced rest'],
    ['/', reader, 'unruled'],
  ] as const)('behavior: %s for %o is %s', (raw, crawler, expected) => {
    expect(rulingOf(book, raw, crawler)).toBe(expected);
  });

  test('behavior: of several rules with one id the latest in force counts', () => {
    const rule = { id: 'all', path: '/**', crawlers: 'everyone' } as const;
    const changing: PriceBook = {
      rules: [
        { ...rule, price: 'USD 0.001' },
        { ...rule, price: 'USD 0.003', effectiveFrom: '2026-03-01T00:00:00Z' },
        { ...rule, free: true, effectiveFrom: '2026-02-01T00:00:00Z' },
      ],
    };
    const target = normalizeTarget('/x');
    if (target.kind === 'refused') throw target;
    const compiled = compileBook(readPriceBook(changing), usdc);
    const at = (time: string) => {
      const ruling = matchRule(compiled, { target, crawler: bot, atMs: Date.parse(time) });
      return ruling.kind === 'priced' ? ruling.amount.atomic : ruling.kind;
    };
    expect(at('2026-01-31T23:59:59.999Z')).toBe(1_000n);
    expect(at('2026-02-01T00:00:00Z')).toBe('free');
    expect(at('2026-03-01T00:00:00Z')).toBe(3_000n);
  });

  test('behavior: a cache is told where the answer depends on who asks', () => {
    const compiled = compileBook(book, usdc);
    const some = compileBook({ rules: book.rules.slice(0, 3) }, usdc);
    const depends = (of: typeof compiled, raw: string) => {
      const target = normalizeTarget(raw);
      return target.kind === 'target' && dependsOnCrawler(of, target, 0);
    };
    expect(depends(compiled, '/about')).toBe(true);
    expect(depends(some, '/about')).toBe(false);
    expect(depends(some, '/Articles/1/')).toBe(true);
  });

  test('behavior: a price of zero is free', () => {
    const rules = [{ id: 'zero', path: '/**', crawlers: 'everyone' as const, price: 'USD 0' }];
    expect(rulingOf({ rules }, '/x')).toBe('free zero');
  });

  test('behavior: patterns in plain Unicode match encoded paths', () => {
    const rules = [{ id: 'cafe', path: '/café/*', crawlers: 'everyone' as const, price: 'USD 1' }];
    expect(rulingOf({ rules }, '/caf%C3%A9/1')).toBe('priced cafe');
    expect(rulingOf({ rules }, '/CAF%C3%89/1')).toBe('priced cafe');
    expect(rulingOf({ rules }, '/cafe%CC%81/1')).toBe('priced cafe');
  });
});

describe('ways around the till', () => {
  const book: PriceBook = {
    rules: [
      { id: 'free', path: '/free/**', crawlers: 'everyone', free: true },
      { id: 'text', path: '/*.txt', crawlers: 'everyone', free: true },
      { id: 'paid', path: '/paid/page', crawlers: 'ai-agents', price: 'USD 0.001' },
    ],
  };

  test.each([
    ['//paid/page', 'priced paid'],
    ['/paid//page', 'priced paid'],
    ['/./paid/./page', 'priced paid'],
    ['/free/../paid/page', 'priced paid'],
    ['/free/%2e%2e/paid/page', 'priced paid'],
    ['/free/.%2E/paid/page', 'priced paid'],
    ['/paid/page;x', 'priced paid'],
    ['/paid;a=b/page', 'priced paid'],
    ['/paid/page%3Bx', 'priced paid'],
    ['/paid/%70age', 'priced paid'],
    ['/PAID/Page', 'priced paid'],
    ['/paid/page/', 'priced paid'],
    ['/paid/page/.', 'priced paid'],
    ['/paid/page?x=.txt', 'priced paid'],
    ['/paid/page/../page', 'priced paid'],
    ['/paid%2fpage', 'path_ambiguous'],
    ['/free/..%2fpaid/page', 'path_ambiguous'],
    ['/free/..;/paid/page', 'path_ambiguous'],
    ['/free\\..\\paid\\page', 'path_ambiguous'],
    ['/free/%252e%252e/paid/page', 'path_ambiguous'],
    ['/paid/page%00.txt', 'path_ambiguous'],
    ['/free/%c0%ae%c0%ae/paid/page', 'path_ambiguous'],
  ])('behavior: %s is %s', (raw, expected) => {
    expect(rulingOf(book, raw)).toBe(expected);
  });
});

describe('price books', () => {
  const good = { id: 'a', path: '/**', crawlers: 'everyone', price: 'USD 0.001' };

  test.each([
    ['no object', 1],
    ['unknown field', { rules: [], colour: 'red' }],
    ['price and free', { rules: [{ ...good, free: true }] }],
    ['neither', { rules: [{ ...good, price: undefined }] }],
    ['seven decimals', { rules: [{ ...good, price: 'USD 0.0000001' }] }],
    ['relative path', { rules: [{ ...good, path: 'a' }] }],
    ['stars inside a segment', { rules: [{ ...good, path: '/a/**b' }] }],
    ['rule id with a dot', { rules: [{ ...good, id: 'a.b' }] }],
    ['no such day', { rules: [{ ...good, effectiveFrom: '2026-13-40T00:00:00Z' }] }],
    ['same id and time', { rules: [good, good] }],
    ['a fee, which is the platform’s', { rules: [good], feeBasisPoints: 250 }],
    ['charging for failures', { rules: [good], billable: { origin_5xx: true } }],
  ])('error: price_book_invalid for %s', (_, value) => {
    expect(() => readPriceBook(JSON.parse(JSON.stringify(value)))).toThrow(PaycrawlError);
  });

  test('behavior: the default book charges AI agents and lets people and search engines pass', () => {
    const book = readPriceBook(defaultPriceBook('USD 0.001'));
    const googlebot = recogniseCrawler(
      'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
    );
    const claude = recogniseCrawler(
      'Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)',
    );
    expect(rulingOf(book, '/page', claude)).toBe('priced ai-agents');
    expect(rulingOf(book, '/robots.txt', claude)).toBe('free signpost-1');
    expect(rulingOf(book, '/page', googlebot)).toBe('unruled');
    expect(rulingOf(book, '/page', reader)).toBe('unruled');
  });

  test('behavior: a complete page is charged, a failure never', () => {
    const book: PriceBook = { rules: [], billable: { redirected: true } };
    expect(isBillable(book, 'delivered')).toBe(true);
    expect(isBillable(book, 'redirected')).toBe(true);
    expect(isBillable(book, 'origin_5xx')).toBe(false);
    expect(isBillable(book, 'client_disconnected')).toBe(false);
  });
});

describe('crawlers', () => {
  test.each([
    ['Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)', 'GPTBot', 'ai-agent'],
    ['gptbot', 'GPTBot', 'ai-agent'],
    ['Mozilla/5.0 (compatible; ClaudeBot/1.0)', 'ClaudeBot', 'ai-agent'],
    ['CCBot/2.0 (https://commoncrawl.org/faq/)', 'CCBot', 'ai-agent'],
    ['Mozilla/5.0 (compatible; Amazonbot/0.1)', 'Amazonbot', 'ai-agent'],
    [
      'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
      'bingbot',
      'search-engine',
    ],
    ['curl/8.5.0', 'curl', 'other-bot'],
    ['MyBot/1.0', 'MyBot', 'other-bot'],
    ['', 'unnamed', 'other-bot'],
    [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
      'browser',
      'person',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0',
      'browser',
      'person',
    ],
  ])('behavior: %s is %s, %s', (userAgent, name, kind) => {
    expect(recogniseCrawler(userAgent)).toEqual({ name, kind });
  });
});
