import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { runClosedLoop } from './closed-loop.js';
import type { HttpTarget } from './http-connection.js';
import { runOpenLoop } from './open-loop.js';

const request = Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
const head = (status: number) => `HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n`;
const isExpected = ({ status }: { readonly status: number }): boolean => status === 200;

let server: Server;
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

/** Answers the n-th request as it is told, on whatever connection it comes. */
async function serve(answer: (n: number, socket: Socket) => void): Promise<HttpTarget> {
  let n = 0;
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', () => answer(n++, socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  return { host: '127.0.0.1', port };
}

test('behavior: a pause of the server is seen by every request that was due in it', async () => {
  const pauseMs = 500;
  const ratePerS = 200;
  // The pause begins with the first request, whatever the speed of the machine.
  const paused = (): ((n: number, socket: Socket) => void) => {
    let untilMs = Number.NaN;
    return (n, socket) => {
      if (n === 0) untilMs = performance.now() + pauseMs;
      const waitMs = Math.max(0, untilMs - performance.now());
      if (waitMs === 0) socket.write(head(200));
      else setTimeout(() => socket.write(head(200)), waitMs);
    };
  };
  const load = { next: () => request, isExpected, connections: 1 };
  const target = await serve(paused());
  const open = await runOpenLoop({ ...load, target, ratePerS, seconds: 1 });
  expect(open).toMatchObject({ requests: 200, failures: 0, offeredPerS: 200 });
  // Half of all were due in it; their waits are evenly spread from all of it to nothing.
  expect(open.p50Ms).toBeLessThan(pauseMs);
  expect(open.p99Ms).toBeGreaterThan(0.9 * pauseMs);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  // One that asks only when it was answered sees one slow answer, and no percentile tells it.
  const again = await serve(paused());
  let left = 200;
  const next = () => (left-- > 0 ? request : undefined);
  const closed = await runClosedLoop({ ...load, next, target: again, secondsMax: 10 });
  expect(closed).toMatchObject({ requests: 200, failures: 0 });
  expect(closed.p99Ms).toBeLessThan(0.5 * pauseMs);
});

test('behavior: refusals are counted apart, failures by what was seen', async () => {
  const statuses = [200, 503, 503, 500];
  const target = await serve((n, socket) => socket.write(head(statuses[n % 4] ?? 0)));
  const figures = await runOpenLoop({
    ...{ target, connections: 8, ratePerS: 400, seconds: 0.5, isExpected },
    next: () => request,
    isRefused: ({ status }) => status === 503,
  });
  expect(figures).toMatchObject({ requests: 100, failures: 50, seen: { 500: 50 } });
  expect(figures.refused).toMatchObject({ requests: 100, failures: 0 });
});

test('behavior: what was due and got no answer is a failure with its wait, sent or not', async () => {
  const target = await serve((n, socket) => {
    if (n === 0) socket.write(head(200));
  });
  const load = { target, connections: 2, ratePerS: 100, seconds: 0.2, graceSeconds: 0.3 };
  const figures = await runOpenLoop({ ...load, next: () => request, isExpected });
  expect(figures.seen).toEqual({ 'no answer in time': 2, 'never sent': 17 });
  expect(figures).toMatchObject({ requests: 20, failures: 19 });
  expect(figures.p99Ms).toBeGreaterThan(400);
});

test('behavior: a connection that breaks is one failure, and another takes its place', async () => {
  const target = await serve((n, socket) => {
    if (n === 3) socket.destroy();
    else socket.write(head(200));
  });
  const load = { target, connections: 1, ratePerS: 100, seconds: 0.3 };
  const figures = await runOpenLoop({ ...load, next: () => request, isExpected });
  expect(figures).toMatchObject({ requests: 30, failures: 1 });
});

test('behavior: it ends when there are no more requests', async () => {
  const target = await serve((_, socket) => socket.write(head(200)));
  let left = 5;
  const next = () => (left-- > 0 ? request : undefined);
  const load = { target, connections: 2, ratePerS: 1_000, seconds: 60 };
  expect(await runOpenLoop({ ...load, next, isExpected })).toMatchObject({ requests: 5 });
});
