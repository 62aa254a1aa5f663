import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { runClosedLoop } from './closed-loop.js';
import { hasHeader, headerOf, parseResponse } from './http-response.js';

const response = (head: string, body = '') => Buffer.from(`HTTP/1.1 ${head}\r\n\r\n${body}`);

test('behavior: a response is there when all of its body is', () => {
  const whole = response('200 OK\r\ncontent-type: a\r\ncontent-length: 12', 'hello\r\n\r\nyou');
  for (let end = 0; end < whole.length; end++) {
    expect(parseResponse(whole.subarray(0, end))).toBeUndefined();
  }
  expect(parseResponse(whole)).toMatchObject({ status: 200, bodyBytes: 12 });
});

test.each(['content-length', 'Content-Length', 'CONTENT-LENGTH'])(
  'behavior: headers are found as servers spell them: %s',
  (name) => {
    const parsed = parseResponse(response(`503 Busy\r\nRetry-After:  7 \r\n${name}:2`, 'no'));
    expect(parsed).toMatchObject({ status: 503, bodyBytes: 2 });
    expect(headerOf(parsed?.head ?? Buffer.alloc(0), 'retry-after')).toBe('7');
  },
);

test('behavior: what stands in the body or in a value is no header', () => {
  const parsed = parseResponse(
    response('200 OK\r\nx: payment-response: a\r\ncontent-length: 21', '\r\npayment-response: b'),
  );
  expect(parsed !== undefined && hasHeader(parsed, 'payment-response')).toBe(false);
  expect(parsed !== undefined && hasHeader(parsed, 'x')).toBe(true);
});

test('behavior: a chunked body ends with its last chunk, an answer may have none', () => {
  const head = '200 OK\r\nTransfer-Encoding: chunked';
  expect(parseResponse(response(head, '2\r\nhi\r\n'))).toBeUndefined();
  expect(parseResponse(response(head, '2\r\nhi\r\n0\r\n\r\n'))).toMatchObject({ status: 200 });
  expect(parseResponse(response('304 Not Modified\r\netag: a'))).toMatchObject({ bodyBytes: 0 });
});

let server: Server | undefined;
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((resolve) => {
    if (server === undefined) resolve();
    else server.close(() => resolve());
  });
});

test('behavior: answers in many pieces, larger than one reading, each counted once', async () => {
  const bodyBytes = 100_000;
  const whole = response(`200 OK\r\ncontent-length: ${bodyBytes}`, 'x'.repeat(bodyBytes));
  const started = createServer((socket) => {
    sockets.add(socket);
    socket.on('data', () => {
      for (let at = 0; at < whole.length; at += 30_000) {
        socket.write(whole.subarray(at, at + 30_000));
      }
    });
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  const { port } = started.address() as { readonly port: number };
  let left = 20;
  const figures = await runClosedLoop({
    ...{ target: { host: '127.0.0.1', port }, connections: 3, secondsMax: 10 },
    next: () => (left-- > 0 ? Buffer.from('GET / HTTP/1.1\r\n\r\n') : undefined),
    isExpected: (answer) => answer.status === 200 && answer.bodyBytes === bodyBytes,
  });
  expect(figures).toMatchObject({ requests: 20, failures: 0 });
});
