import { createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { Audience } from './job.js';
import { createOriginClient, type OriginClient } from './origin-client.js';
import { type OriginPage, readPage } from './origin-page.js';

let server: Server;
let client: OriginClient;
const sockets = new Set<Socket>();
afterEach(async () => {
  client.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((resolve) => server.close(resolve));
});

/** An origin that treats each request, by its number, like this. */
async function origin(
  answer: (socket: Socket, request: number) => void,
  connectionsMax = 1,
): Promise<void> {
  let requests = 0;
  server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => answer(socket, ++requests));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const timeouts = { connectTimeoutMs: 400, headersTimeoutMs: 400, bodyTimeoutMs: 400 };
  client = createOriginClient(new URL(`http://127.0.0.1:${port}`), { connectionsMax, ...timeouts });
}

const everybody: Audience = { isEmpty: () => false, isGone: () => false, onGone: () => undefined };

function page(method = 'GET', audience = everybody): Promise<OriginPage> {
  const request = { method, path: '/page', headers: ['host', 'a'] };
  return readPage((handler) => client.dispatch(request, handler), {
    ...{ method, audience, bytesMax: 1_000 },
  });
}

const textOf = (got: OriginPage): string =>
  got.kind === 'whole' ? `${got.status} ${got.body}` : got.kind === 'failed' ? got.outcome : 'long';

const kinds: readonly (readonly [string, string, string])[] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody', '200 body'],
  ['no body', 'HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n', '204 '],
  ['not modified', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n', '304 '],
  ['no reason', 'HTTP/1.1 200\r\ncontent-length:0\r\n\r\n', '200 '],
  [
    'chunks',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=1\r\nbo\r\n02\r\ndy\r\n0\r\nT: 1\r\n\r\n',
    '200 body',
  ],
  [
    'interim answers',
    'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody',
    '200 body',
  ],
];

test('property: however an answer is cut, it is read as it was written, over one connection', async () => {
  let answer: readonly string[] = [];
  await origin(async (socket) => {
    for (const piece of answer) {
      socket.write(piece, 'latin1');
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  const cuts = fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...kinds), cuts, async ([, bytes, expected], places) => {
      const ends = [...places, bytes.length].toSorted((a, b) => a - b);
      answer = ends.map((end, i) => bytes.slice(ends[i - 1] ?? 0, end));
      expect(textOf(await page())).toBe(expected);
    }),
    { numRuns: 80 },
  );
  expect(sockets.size).toBe(1);
});

test.each([
  ['nothing', ''],
  ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
  ['a folded header', 'HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\nContent-Length: 0\r\n\r\n'],
  ['a bare line feed', 'HTTP/1.1 200 OK\r\nX: 1\nContent-Length: 0\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  [
    'length and chunks',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
  ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
  ['an endless head', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}`],
])('error: origin_unreachable for %s', async (_, bytes) => {
  await origin((socket) => socket.end(bytes, 'latin1'));
  expect(textOf(await page())).toBe('origin_unreachable');
});

test.each([
  ['half a body', 'Content-Length: 9\r\n\r\nhalf'],
  ['half a chunk', 'Transfer-Encoding: chunked\r\n\r\n9\r\nhalf'],
  ['no last chunk', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ['no size', 'Transfer-Encoding: chunked\r\n\r\nhalf\r\n'],
  ['more than the chunk', 'Transfer-Encoding: chunked\r\n\r\n2\r\nhalf\r\n0\r\n\r\n'],
])('error: origin_truncated for %s', async (_, rest) => {
  await origin((socket) => socket.end(`HTTP/1.1 200 OK\r\n${rest}`));
  expect(textOf(await page())).toBe('origin_truncated');
});

test('behavior: without a length the end of the connection is the end of the body', async () => {
  await origin((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nbody'));
  expect(textOf(await page())).toBe('200 body');
  expect(textOf(await page())).toBe('200 body');
  expect(sockets.size).toBe(2);
});

test('behavior: HEAD has no body, whatever its length says', async () => {
  await origin((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n'));
  expect(textOf(await page('HEAD'))).toBe('200 ');
  expect(textOf(await page('HEAD'))).toBe('200 ');
});

test.each([
  ['Connection: close\r\n', ''],
  ['Keep-Alive: timeout=1\r\n', ''],
  ['', 'HTTP/1.1 200 OK\r\n'],
])('behavior: no second request on a connection after %j%j', async (line, surplus) => {
  const head = `HTTP/1.1 200 OK\r\n${line}Content-Length: 4\r\n\r\nbody`;
  await origin((socket) => socket.write(head + surplus));
  expect(textOf(await page())).toBe('200 body');
  expect(textOf(await page())).toBe('200 body');
  expect(sockets.size).toBe(2);
});

test('behavior: no more connections than allowed, the others wait; a broken one makes room', async () => {
  await origin((socket, request) => {
    if (request === 2) socket.destroy();
    else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody');
  });
  const got = await Promise.all([page(), page(), page(), page()]);
  expect(got.map(textOf)).toEqual(['200 body', 'origin_unreachable', '200 body', '200 body']);
  expect(sockets.size).toBe(2);
});

test('behavior: who left is not waited for, with a connection or without', async () => {
  await origin(() => undefined);
  const leaves: (() => void)[] = [];
  let isGone = false;
  const audience = {
    ...everybody,
    isGone: () => isGone,
    onGone: (l: () => void) => leaves.push(l),
  };
  const asked = [page('GET', audience), page('GET', audience)];
  isGone = true;
  for (const leave of leaves) leave();
  expect((await Promise.all(asked)).map(textOf)).toEqual(Array(2).fill('client_disconnected'));
});

test('error: origin_timeout before the head and within the body, and the next one is served', async () => {
  await origin((socket, request) => {
    if (request === 2) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo');
    if (request === 3) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody');
  });
  expect(textOf(await page())).toBe('origin_timeout');
  expect(textOf(await page())).toBe('origin_timeout');
  expect(textOf(await page())).toBe('200 body');
});

test('behavior: a long page comes as fast as it is read, and frees its connection', async () => {
  const body = Buffer.alloc(8_000_000, 'x');
  let sent: Socket | undefined;
  await origin((socket, request) => {
    sent = socket;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${request === 1 ? body.length : 0}\r\n\r\n`);
    if (request === 1) socket.write(body);
  });
  const got = await page();
  expect(got.kind).toBe('long');
  if (got.kind !== 'long') return;
  // Longer than the time limit of a body: nobody reads, so nothing is late.
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(sent?.writableLength).toBeGreaterThan(0);
  let bytes = Buffer.concat(got.begun).length;
  for (let next = await got.rest.next(); next.done !== true; next = await got.rest.next()) {
    bytes += next.value.length;
  }
  got.close();
  expect(bytes).toBe(body.length);
  expect(textOf(await page())).toBe('200 ');
  expect(sockets.size).toBe(1);
});
