import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPlainGetWith, readPlainHead } from './plain-head.js';

const host = 'Host: site.example\r\n';

test('behavior: names in lower case, values without the blanks around them, in their order', () => {
  const head = `GET /a?b=%20 HTTP/1.1\r\n${host}User-Agent: \t GPTBot/1 \t\r\nX-Empty:\r\nX-Nbsp:\xa0\r\n\r\n`;
  expect(readPlainHead(head)).toEqual({
    method: 'GET',
    target: '/a?b=%20',
    headers: [
      ...['host', 'site.example', 'user-agent', 'GPTBot/1', 'x-empty', '', 'x-nbsp', '\xa0'],
    ],
    isLast: false,
    bodyBytes: 0,
  });
});

test('behavior: a POST that says how long its body is', () => {
  const head = (...lines: string[]): string =>
    `POST /a HTTP/1.1\r\n${host}${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
  expect(readPlainHead(head('Content-Length: 120'))).toMatchObject({
    method: 'POST',
    bodyBytes: 120,
  });
  expect(readPlainHead(head('Content-Length: 0'))?.bodyBytes).toBe(0);
  for (const length of ['', '-1', '+1', '1e1', '0x1', '01', '1.0', '1, 1', '9999999999']) {
    expect(readPlainHead(head(`Content-Length: ${length}`))).toBe(undefined);
  }
  const twice = head('Content-Length: 1', 'content-length: 1');
  const chunked = head('Content-Length: 1', 'Transfer-Encoding: chunked');
  for (const text of [twice, chunked, head()]) expect(readPlainHead(text)).toBe(undefined);
});

test.each([
  ['Connection: close', true],
  ['connection: Keep-Alive', false],
])('behavior: %s', (line, isLast) => {
  expect(readPlainHead(`HEAD / HTTP/1.1\r\n${host}${line}\r\n\r\n`)?.isLast).toBe(isLast);
});

test.each([
  ['a body', `GET / HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\n`],
  ['a body without a length', `GET / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`],
  ['a name with a blank', `GET / HTTP/1.1\r\n${host}Transfer-Encoding : chunked\r\n\r\n`],
  ['a folded line', `GET / HTTP/1.1\r\n${host}X-A: 1\r\n Content-Length: 3\r\n\r\n`],
  ['a bare line feed', `GET / HTTP/1.1\r\n${host}X-A: 1\nContent-Length: 3\r\n\r\n`],
  ['a bare carriage return', `GET / HTTP/1.1\r\n${host}X-A: 1\rX-B: 2\r\n\r\n`],
  ['a zero byte', `GET / HTTP/1.1\r\n${host}X-A: \0\r\n\r\n`],
  ['a line without a colon', `GET / HTTP/1.1\r\n${host}X-A\r\n\r\n`],
  ['a name that is none', `GET / HTTP/1.1\r\n${host}X(A): 1\r\n\r\n`],
  ['a header twice', `GET / HTTP/1.1\r\n${host}X-A: 1\r\nx-a: 2\r\n\r\n`],
  ['two hosts', `GET / HTTP/1.1\r\n${host}${host}\r\n`],
  ['no host', 'GET / HTTP/1.1\r\nX-A: 1\r\n\r\n'],
  ['an empty host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
  ['an upgrade', `GET / HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`],
  ['a named hop-by-hop header', `GET / HTTP/1.1\r\n${host}Connection: close, x-a\r\n\r\n`],
  ['an expectation', `GET / HTTP/1.1\r\n${host}Expect: 100-continue\r\n\r\n`],
  ['another method', `PUT / HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\n`],
  ['a HEAD with a body', `HEAD / HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\n`],
  ['a method in small letters', `get / HTTP/1.1\r\n${host}\r\n`],
  ['absolute form', `GET http://site.example/ HTTP/1.1\r\n${host}\r\n`],
  ['another version', `GET / HTTP/1.0\r\n${host}\r\n`],
  ['two blanks', `GET  / HTTP/1.1\r\n${host}\r\n`],
  ['a target with a control', `GET /\x01 HTTP/1.1\r\n${host}\r\n`],
  ['a target beyond ASCII', `GET /\xe4 HTTP/1.1\r\n${host}\r\n`],
  ['an empty line before it', `\r\nGET / HTTP/1.1\r\n${host}\r\n`],
  ['more headers than anybody sends', `GET / HTTP/1.1\r\n${host}${manyLines(64)}\r\n`],
])('behavior: %s is for the strict parser', (_, head) => {
  expect(readPlainHead(head)).toBe(undefined);
});

const payments = new Set(['payment-signature', 'x-payment']);
const bringsPayment = (head: string) => isPlainGetWith(payments, head);

test.each([['PAYMENT-SIGNATURE'], ['payment-signature'], ['X-Payment']])(
  'behavior: a payment is seen by the name of its header: %s',
  (name) => {
    const head = (line: string) => `GET /a HTTP/1.1\r\n${host}${line}\r\nX-A: 1\r\n\r\n`;
    expect(bringsPayment(head(`${name}: abc`))).toBe(true);
    expect(bringsPayment(head(`Connection: Keep-Alive\r\n${name}: abc`))).toBe(true);
    expect(bringsPayment(head(`X-${name}: abc`))).toBe(false);
    expect(bringsPayment(head(`X-B: \t${name}: abc`))).toBe(false);
  },
);

test.each([
  ['a body', 'Content-Length: 3\r\n'],
  ['a body without a length', 'Transfer-Encoding: chunked\r\n'],
  ['a name with a blank', 'Transfer-Encoding : chunked\r\n'],
  ['a folded line', 'X-A: 1\r\n Content-Length: 3\r\n'],
  ['a bare line feed', 'X-A: 1\nContent-Length: 3\r\n'],
  ['a bare carriage return', 'X-A: 1\rContent-Length: 3\r\n'],
  ['a line without a colon', 'X-A\r\n'],
  ['an upgrade', 'Upgrade: h2c\r\n'],
  ['a wish for the connection', 'Connection: close\r\n'],
  ['an expectation', 'Expect: 100-continue\r\n'],
])('behavior: with %s a payment is read with the rest of it', (_, line) => {
  const payment = 'X-Payment: abc\r\n';
  const heads = [payment + line, line + payment].map(
    (lines) => `GET / HTTP/1.1\r\n${host}${lines}\r\n`,
  );
  heads.push(`GET / HTTP/1.1\n${host}${payment}\r\n`, `HEAD / HTTP/1.1\r\n${payment}\r\n`);
  for (const head of heads) expect(bringsPayment(head)).toBe(false);
});

test('property: a payment that is seen ends where it seems to, for who reads it all as well', () => {
  const piece = fc.constantFrom(
    '\r',
    '\n',
    '\r\n',
    ':',
    ' ',
    'X-Payment: 1',
    'Content-Length: 1',
    'a',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const head = `GET / HTTP/1.1\r\n${host}${pieces.join('')}\r\n\r\n`;
      if (!bringsPayment(head)) return;
      expect(head.indexOf('\r\n\r\n')).toBe(head.length - 4);
      expect(head.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
      expect(head).not.toMatch(/^content-length/im);
    }),
  );
});

test('property: what is taken is what was written, and time grows with length alone', () => {
  const line = fc.tuple(fc.stringMatching(/^x-[a-z]{1,9}$/), fc.stringMatching(/^[!-~]{0,40}$/));
  const lines = fc.uniqueArray(line, { selector: ([name]) => name, maxLength: 60 });
  const target = fc.stringMatching(/^\/[!-~]{0,60}$/);
  fc.assert(
    fc.property(lines, target, (written, path) => {
      const text = written.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      const read = readPlainHead(`GET ${path} HTTP/1.1\r\n${host}${text}\r\n`);
      expect(read?.target).toBe(path);
      expect(read?.headers.slice(2)).toEqual(written.flat());
    }),
  );
  const before = performance.now();
  readPlainHead(`GET / HTTP/1.1\r\n${'a:\r\n'.repeat(8_000)}x\n`);
  readPlainHead(`GET / HTTP/1.1\r\nX: ${'a'.repeat(32_000)}\n`);
  expect(performance.now() - before).toBeLessThan(100);
});

function manyLines(count: number): string {
  return Array.from({ length: count }, (_, i) => `X-${i}: 1\r\n`).join('');
}
