import { describe, expect, test } from 'vitest';
import { normalizeTarget } from './target.js';

const pathOf = (raw: string) => {
  const reading = normalizeTarget(raw);
  return reading.kind === 'target' ? reading.path + reading.query : reading.code;
};

describe('one spelling', () => {
  test.each([
    ['/', '/'],
    ['/a/b.html', '/a/b.html'],
    ['/a?b=c/../d;e', '/a?b=c/../d;e'],
    ['//a', '/a'],
    ['/a//b', '/a/b'],
    ['/./a/./b', '/a/b'],
    ['/a/../b', '/b'],
    ['/../../a', '/a'],
    ['/a/..', '/'],
    ['/a/b/..', '/a/'],
    ['/a/.', '/a/'],
    ['/%61', '/a'],
    ['/%2e%2e/a', '/a'],
    ['/x/%2E%2e/a', '/a'],
    ['/x/.%2e/a', '/a'],
    ['/a%20b', '/a%20b'],
    ['/%c3%a9', '/%C3%A9'],
    ['/a%7eb', '/a~b'],
    ['/a%28b%29', '/a(b)'],
    ['/a|b', '/a%7Cb'],
    ['/A/b', '/A/b'],
    ['/a/', '/a/'],
    ['/a;x=1', '/a;x=1'],
    ['/a%3bx', '/a;x'],
    ['/.well-known/security.txt', '/.well-known/security.txt'],
    ['/...', '/...'],
  ])('behavior: %s is %s', (raw, path) => {
    expect(pathOf(raw)).toBe(path);
  });
});

describe('no safe spelling', () => {
  test.each([
    '/a%2fb',
    '/a%2Fb',
    '/a%5cb',
    '/a\\b',
    '/a%00',
    '/a%0d%0ab',
    '/a%7f',
    '/a%',
    '/a%2',
    '/a%zz',
    '/a%252e',
    '/a%252fb',
    '/..;/a',
    '/a/..;x/b',
    '/a/.;x/b',
    '/;x/a',
    '/%c0%ae%c0%ae/a',
    '/%ff',
    '/a#b',
    '/a b',
    '/a\u00e9',
    '/a?b c',
    'a',
    '*',
    '',
    'http://site.example/a',
  ])('error: path_ambiguous for %j', (raw) => {
    expect(pathOf(raw)).toBe('path_ambiguous');
  });

  test.each([`/${'a'.repeat(8192)}`, '/a'.repeat(257)])('error: path_too_long', (raw) => {
    expect(pathOf(raw)).toBe('path_too_long');
  });
});
