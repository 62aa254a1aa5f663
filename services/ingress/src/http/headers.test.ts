import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  answerHeaders,
  hasBody,
  privateCacheControl,
  requestHeaders,
  withVary,
} from './headers.js';

const context = {
  originHost: '10.0.0.1:80',
  publicHost: 'site.example',
  scheme: 'https',
  remoteAddress: '192.0.2.1',
  isPaid: true,
};
const toOrigin = (raw: string[]) => {
  const list = requestHeaders(raw, context);
  return Object.fromEntries(list.flatMap((name, i) => (i % 2 ? [] : [[name, list[i + 1]]])));
};

describe('to the origin', () => {
  test('behavior: hop-by-hop headers, those that Connection names, and payments stay here', () => {
    const raw = ['Connection', 'close, X-Hop', 'X-Hop', '1', 'Keep-Alive', '5', 'TE', 'trailers'];
    const sent = toOrigin([...raw, 'X-Payment', 'secret', 'Accept', '*/*', 'Host', 'evil']);
    expect(sent).toEqual({
      accept: '*/*',
      host: '10.0.0.1:80',
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-host': 'site.example',
      'x-forwarded-proto': 'https',
    });
  });

  test('behavior: the chain of forwarders grows by the one that asks here', () => {
    const sent = toOrigin(['X-Forwarded-For', '198.51.100.1', 'X-Forwarded-Host', 'evil']);
    expect(sent['x-forwarded-for']).toBe('198.51.100.1, 192.0.2.1');
    expect(sent['x-forwarded-host']).toBe('site.example');
  });

  test('property: whatever comes, one Host goes out and it is the origin’s', () => {
    const name = fc.constantFrom(
      'Host',
      'HOST',
      'Connection',
      'X-A',
      'Upgrade',
      'Expect',
      'Trailer',
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.constantFrom('host', 'x-a', 'b'))), (pairs) => {
        const list = requestHeaders(pairs.flat(), context);
        const hosts = list.flatMap((entry, i) =>
          i % 2 === 0 && entry === 'host' ? [list[i + 1]] : [],
        );
        expect(hosts).toEqual(['10.0.0.1:80']);
        for (const gone of ['connection', 'upgrade', 'expect', 'trailer']) {
          expect(list.filter((_, i) => i % 2 === 0)).not.toContain(gone);
        }
      }),
    );
  });
});

describe('to the client', () => {
  const urls = { originUrl: 'http://10.0.0.1', publicUrl: 'https://site.example', isPaid: true };
  const locationOf = (location: string) => answerHeaders({ location }, urls).location;

  test('behavior: redirects of the origin to itself lead to the till, others are left alone', () => {
    expect(locationOf('http://10.0.0.1/a')).toBe('https://site.example/a');
    expect(locationOf('http://10.0.0.1')).toBe('https://site.example');
    expect(locationOf('http://10.0.0.1.evil.example/a')).toBe('http://10.0.0.1.evil.example/a');
    expect(locationOf('http://10.0.0.1:81/a')).toBe('http://10.0.0.1:81/a');
    expect(locationOf('/a')).toBe('/a');
  });

  test('behavior: an origin cannot speak as the till', () => {
    const kept = answerHeaders({ 'payment-response': 'x', 'x-b': '1', connection: 'x-b' }, urls);
    expect(kept).toEqual({});
  });

  test.each(['a\u010d\u010aSet-Cookie: b=1', ['a', '\u2028']])(
    'error: internal for a header that would be cut to other bytes',
    (value) => {
      expect(() => answerHeaders({ 'x-a': value }, urls)).toThrow('cannot be passed on');
    },
  );

  test.each([
    [undefined, 'private'],
    ['public, max-age=60', 'private, max-age=60'],
    ['no-store', 'private, no-store'],
    ['private, s-maxage=5, proxy-revalidate', 'private'],
  ])('behavior: Cache-Control %s becomes %s', (before, after) => {
    expect(privateCacheControl(before)).toBe(after);
  });

  test('behavior: Vary is added to, not replaced', () => {
    expect(withVary(undefined, 'A')).toBe('A');
    expect(withVary('Accept', 'A')).toBe('Accept, A');
    expect(withVary('*', 'A')).toBe('*');
  });
});

test('behavior: a body is there when its length or its coding says so', () => {
  expect(hasBody({})).toBe(false);
  expect(hasBody({ 'content-length': '0' })).toBe(false);
  expect(hasBody({ 'content-length': '4' })).toBe(true);
  expect(hasBody({ 'transfer-encoding': 'chunked' })).toBe(true);
});
