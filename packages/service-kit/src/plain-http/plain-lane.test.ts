import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { closeWithLane, putLaneBefore } from './lane-before-server.js';
import type { PlainLane } from './plain-lane.js';

/** A lane and a server that say who answered, and which body. */
async function serve(keepAliveTimeoutMs: number) {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (piece) => {
      body += piece;
    });
    request.on('end', () => response.end(`strict ${body}`));
  });
  const lane: PlainLane = putLaneBefore(server, {
    ...{ headerBytesMax: 16_384, keepAliveTimeoutMs, nowMs: Date.now },
    takes: ({ bodyBytes }) => bodyBytes <= 1_000,
    onRequest: (exchange) => {
      if (exchange.content.includes('odd')) return false;
      exchange.answer({ status: 200, headers: {}, body: `plain ${exchange.content}` });
      return true;
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  let closed: Promise<void> | undefined;
  const end = (): Promise<void> => {
    closed ??= closeWithLane(server, lane, close);
    return closed;
  };
  onTestFinished(end);
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  return { socket, end, told: tell(socket) };
}

function tell(socket: Socket): () => string[] {
  let text = '';
  socket.setEncoding('utf8').on('data', (piece) => {
    text += piece;
  });
  return () => text.match(/(plain|strict) [a-z]*/g) ?? [];
}

const post = (body: string): string =>
  `POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Sent each by itself. */
async function send(socket: Socket, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test('behavior: a body comes in any number of pieces, and the next request with its end', async () => {
  const { socket, told } = await serve(5_000);
  const [head = '', body = ''] = post('a body in pieces').split(/(?<=\r\n\r\n)/);
  await send(socket, [
    head,
    ...body,
    post('one').slice(0, -1),
    'e',
    `${post('two')}${post('three')}`,
  ]);
  await expect.poll(told).toEqual(['plain a', 'plain one', 'plain two', 'plain three']);
});

test('behavior: what is not taken at last goes on strictly, with all that came behind it', async () => {
  const { socket, told } = await serve(5_000);
  await send(socket, [post('one') + post('odd') + post('two'), post('three')]);
  await expect.poll(told).toEqual(['plain one', 'strict odd', 'strict two', 'strict three']);
});

test('behavior: a body that does not come for long is waited for by the strict server', async () => {
  const { socket, told } = await serve(40);
  const [begin, end] = [post('late').slice(0, -1), post('late').slice(-1)];
  socket.write(begin);
  await new Promise((resolve) => setTimeout(resolve, 150));
  socket.write(end);
  await expect.poll(told).toEqual(['strict late']);
});

test('behavior: who is sending a body while both close has an answer', async () => {
  const { socket, told, end } = await serve(5_000);
  socket.write(post('begun').slice(0, -1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const ended = end();
  socket.write(post('begun').slice(-1));
  await expect.poll(told).toEqual(['strict begun']);
  await ended;
});
