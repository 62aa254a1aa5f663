import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

/** Answers every chunk with the same in capitals, and remembers what it was asked. */
let heard: string[];
let server: ReturnType<typeof createServer>;
let proxy: TcpProxy;

beforeEach(async () => {
  heard = [];
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      heard.push(chunk.toString());
      socket.write(chunk.toString().toUpperCase());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await startTcpProxy((server.address() as AddressInfo).port);
});

afterEach(async () => {
  await proxy.close();
  server.close();
});

function dial(): Socket {
  const socket = connect({ host: '127.0.0.1', port: proxy.port });
  return socket.on('error', () => undefined);
}

async function open(): Promise<Socket> {
  const socket = dial();
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

function next(socket: Socket, event: 'data' | 'close'): Promise<string> {
  return new Promise((resolve) => socket.once(event, (value) => resolve(String(value))));
}

/** The network has done its worst to this many bytes. */
async function lost(bytes: number): Promise<void> {
  while (proxy.lostBytes() < bytes) await new Promise((resolve) => setImmediate(resolve));
}

test('behavior: passes, and later with a delay in order', async () => {
  const socket = await open();
  socket.write('a');
  expect(await next(socket, 'data')).toBe('A');
  proxy.set({ kind: 'delay', delayMs: 50 });
  const sentMs = performance.now();
  socket.write('b');
  expect(await next(socket, 'data')).toBe('B');
  expect(performance.now() - sentMs).toBeGreaterThan(95);
  expect(heard).toEqual(['a', 'b']);
});

test('behavior: cut ends what is open and refuses what is new', async () => {
  const socket = await open();
  const ended = next(socket, 'close');
  proxy.set({ kind: 'cut' });
  await ended;
  await next(dial(), 'close');
  proxy.set({ kind: 'pass' });
  const again = await open();
  again.write('a');
  expect(await next(again, 'data')).toBe('A');
});

test('behavior: swallowed answers leave the request done and the connection deaf', async () => {
  const socket = await open();
  socket.write('a');
  await next(socket, 'data');
  proxy.set({ kind: 'swallow_responses' });
  const answers: string[] = [];
  socket.on('data', (chunk) => answers.push(String(chunk)));
  socket.write('b');
  const other = await open();
  other.write('c');
  await lost('BC'.length);
  proxy.set({ kind: 'pass' });
  const fresh = await open();
  fresh.write('d');
  expect(await next(fresh, 'data')).toBe('D');
  expect(answers).toEqual([]);
});

test('behavior: half-open holds connections of which nothing is heard', async () => {
  const socket = await open();
  proxy.set({ kind: 'half_open' });
  socket.write('lost');
  const late = await open();
  late.write('lost too');
  await lost('lostlost too'.length);
  proxy.set({ kind: 'pass' });
  const fresh = await open();
  fresh.write('heard');
  await next(fresh, 'data');
  expect(heard).toEqual(['heard']);
  expect(socket.destroyed).toBe(false);
});

test('behavior: a share of the connections is reset', async () => {
  const [first, second] = [await open(), await open()];
  for (const socket of [first, second]) {
    socket.write('a');
    await next(socket, 'data');
  }
  expect(proxy.connections()).toBe(2);
  const shares = [0.2, 0.9];
  const ended = next(first, 'close');
  proxy.reset(0.5, () => shares.shift() ?? 1);
  await ended;
  second.write('b');
  expect(await next(second, 'data')).toBe('B');
});
