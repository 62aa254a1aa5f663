import { connect, type Socket } from 'node:net';
import type { Door, DoorState } from '@paycrawl/service-kit/plain-http/door';
import type { Exchange } from '@paycrawl/service-kit/plain-http/exchange';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { closeServer, createPublicServer, listenOn, type PublicServer } from './server.js';

let server: PublicServer;
afterEach(() => closeServer(server));

/** Answers `port` of a server that treats requests like this. */
async function serve(
  onRequest: (exchange: Exchange) => void,
  keepAliveTimeoutMs = 5_000,
  door?: Door,
): Promise<number> {
  server = createPublicServer({
    ...{ headerBytesMax: 16_384, requestTimeoutMs: 5_000, keepAliveTimeoutMs, onRequest },
    ...(door !== undefined && { door }),
    clock: () => 0,
    onUnreadable: async () => ({ status: 400, headers: {}, body: '' }),
  });
  return Number(new URL(await listenOn(server, '127.0.0.1', 0)).port);
}

const tell = (exchange: Exchange): void => {
  const { method, target } = exchange;
  const body = `${method} ${target} ${exchange.header('x-a') ?? ''}`;
  exchange.answer({ status: 200, headers: { 'x-told': body }, body });
};

/** All that comes back until the server ends the connection. */
async function asked(port: number, pieces: readonly string[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const answer = whole(socket);
  for (const piece of pieces) {
    socket.write(piece, 'latin1');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return answer;
}

function whole(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  return new Promise((resolve) => socket.once('close', () => resolve(text)));
}

const toldOf = (answer: string): string[] =>
  [...answer.matchAll(/x-told: (.*)\r\n/g)].map(([, told = '']) => told.trim());
const get = (target: string, ...lines: string[]): string =>
  `GET ${target} HTTP/1.1\r\n${['Host: a', ...lines].map((line) => `${line}\r\n`).join('')}\r\n`;
const last = get('/last', 'Connection: close');

test('behavior: an answer looks as node:http writes it', async () => {
  const port = await serve(tell);
  const answers = await asked(port, [get('/a') + last]);
  const dated = 'Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n';
  const head = (told: string): string =>
    `HTTP/1.1 200 OK\r\nx-told: ${told}\r\ncontent-length: ${told.length}\r\n${dated}`;
  const keep = 'Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n';
  expect(answers).toBe(
    `${head('GET /a ')}${keep}GET /a ${head('GET /last ')}Connection: close\r\n\r\nGET /last `,
  );
});

test('behavior: who brings a payment is turned away at a shut door, and the connection goes on', async () => {
  const told = { state: 'shut' as DoorState, refused: 0 };
  const refusal = () => {
    told.refused += 1;
    return { status: 503, headers: { 'retry-after': '1' }, body: 'later' };
  };
  const names = new Set(['payment-signature', 'x-payment']);
  const door = { names, state: () => told.state, refusal, waitMsMax: 5_000 };
  const port = await serve(tell, 5_000, door);
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  const answerOf = async (request: string): Promise<string> => {
    text = '';
    socket.write(request, 'latin1');
    await expect.poll(() => text).not.toBe('');
    return text;
  };
  const paying = get('/a', 'Payment-Signature: abc');
  const refused =
    'HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 5\r\n' +
    'Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\nlater';
  expect(await answerOf(paying)).toBe(refused);
  expect(await answerOf(paying)).toBe(refused);
  expect(toldOf(await answerOf(get('/a')))).toEqual(['GET /a']);
  told.state = 'open';
  expect(toldOf(await answerOf(paying))).toEqual(['GET /a']);
  expect(told.refused).toBe(2);
  socket.destroy();
});

describe('the line at the door', () => {
  const names = new Set(['x-payment']);
  const paying = (path: string): string => get(path, 'X-Payment: abc');

  /** A door that lets in while there is room, and who came in. */
  async function serveAtDoor({ room, waitMsMax = 5_000 }: { room: number; waitMsMax?: number }) {
    const at = { room, came: [] as string[], stood: 0 };
    const door: Door = {
      ...{ names, waitMsMax },
      state(inLine) {
        if (inLine === 0 && at.room > 0) return 'open';
        at.stood += 1;
        return 'line';
      },
      refusal: () => ({ status: 503, headers: {}, body: 'later' }),
    };
    const port = await serve(
      (exchange) => {
        at.room -= 1;
        at.came.push(exchange.target);
        tell(exchange);
      },
      5_000,
      door,
    );
    /** A connection whose first request stands in line before the others are sent. */
    const knock = async (first: string, others: string): Promise<Socket> => {
      const { stood } = at;
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.write(first, 'latin1');
      await expect.poll(() => at.stood).toBeGreaterThan(stood);
      socket.write(others, 'latin1');
      return socket;
    };
    return { at, port, knock };
  }

  test('behavior: first come, first in, with what came behind each; others pass by', async () => {
    const { at, port, knock } = await serveAtDoor({ room: 0 });
    const first = whole(await knock(paying('/1'), get('/1b') + last));
    const second = whole(await knock(paying('/2'), last));
    const free = asked(port, [get('/free') + last]);
    expect(toldOf(await free)).toEqual(['GET /free', 'GET /last']);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(at.came).toEqual(['/free', '/last']);
    at.room = 1;
    expect(toldOf(await first)).toEqual(['GET /1', 'GET /1b', 'GET /last']);
    at.room = 1;
    expect(toldOf(await second)).toEqual(['GET /2', 'GET /last']);
  });

  test('behavior: who waits for too long is told to come back, and its connection goes on', async () => {
    const { at, knock } = await serveAtDoor({ room: 0, waitMsMax: 100 });
    const answers = await whole(await knock(paying('/1'), get('/1b') + last));
    expect(answers).toMatch(/^HTTP\/1\.1 503 .*\r\n\r\nlater/s);
    expect(toldOf(answers)).toEqual(['GET /1b', 'GET /last']);
    expect(at.came).toEqual(['/1b', '/last']);
  });

  test('behavior: nothing is done for who left the line', async () => {
    const { at, knock } = await serveAtDoor({ room: 0 });
    const gone = await knock(paying('/gone'), '');
    const staying = whole(await knock(paying('/here'), last));
    gone.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    at.room = 1;
    expect(toldOf(await staying)).toEqual(['GET /here', 'GET /last']);
    expect(at.came).toEqual(['/here', '/last']);
  });
});

test('property: however it is cut, plain or not, each request has its answer, in order', async () => {
  const port = await serve((exchange) => {
    const { body } = exchange;
    if (body === undefined) setImmediate(tell, exchange);
    else body.resume().once('end', () => tell(exchange));
  });
  const kinds: readonly (readonly [string, string])[] = [
    [get('/a', 'X-A: 1'), 'GET /a 1'],
    ['HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n', 'HEAD /h'],
    [get('/twice', 'X-A: 1', 'X-A: 2'), 'GET /twice 1, 2'],
    [
      `POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n${get('/x').slice(0, 20)}`,
      'POST /p',
    ],
    [get('/empty', 'Content-Length: 0'), 'GET /empty'],
  ];
  const kind = fc.constantFrom(...kinds);
  const cuts = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(kind, { maxLength: 5 }), cuts, async (requests, places) => {
      const text = requests.map(([bytes]) => bytes).join('') + last;
      const ends = [...places, text.length].toSorted((a, b) => a - b);
      const pieces = ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end));
      const told = toldOf(await asked(port, pieces));
      expect(told).toEqual([...requests.map(([, one]) => one), 'GET /last']);
    }),
    { numRuns: 60 },
  );
});

test('behavior: of what comes behind a request so much is read as a head may have', async () => {
  let held: Exchange | undefined;
  const port = await serve((exchange) => {
    if (exchange.target === '/held') held = exchange;
    else tell(exchange);
  });
  const socket = connect(port, '127.0.0.1');
  const answer = whole(socket);
  const many = get('/a', `X-Long: ${'a'.repeat(1_000)}`).repeat(8_000);
  socket.write(get('/held') + many + last);
  await expect.poll(() => held).toBeDefined();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(socket.writableLength).toBeGreaterThan(0);
  if (held !== undefined) tell(held);
  expect(toldOf(await answer)).toHaveLength(8_002);
});

test('behavior: who hangs up is told of, and gets nothing more', async () => {
  const ends: boolean[] = [];
  let begun = 0;
  const port = await serve((exchange) => {
    begun += 1;
    exchange.onEnd((isComplete) => {
      ends.push(isComplete);
      tell(exchange);
    });
  });
  const socket = connect(port, '127.0.0.1', () => socket.write(get('/a') + get('/b')));
  await expect.poll(() => begun).toBe(1);
  socket.destroy();
  await expect.poll(() => ends).toEqual([false]);
});

test.each([
  ['plain', get('/a')],
  ['strict', get('/a', 'X-A: 1', 'X-A: 2')],
])('behavior: whoever asks late is told that the client hung up, %s lane', async (_, request) => {
  let begun: Exchange | undefined;
  const gone: boolean[] = [];
  const port = await serve((exchange) => {
    exchange.onEnd((isComplete) => gone.push(isComplete));
    begun = exchange;
  });
  const socket = connect(port, '127.0.0.1', () => socket.write(request));
  await expect.poll(() => begun).toBeDefined();
  socket.destroy();
  await expect.poll(() => gone).toEqual([false]);
  begun?.onEnd((isComplete, status) => {
    expect(status).toBe(0);
    gone.push(isComplete);
  });
  expect(gone).toEqual([false, false]);
});

test('behavior: a body without a length is chunked, as fast as it is read', async () => {
  const piece = Buffer.alloc(100_000, 'x');
  let taken = 0;
  const port = await serve((exchange) => {
    const body = exchange.stream(200, {});
    const more = (): void => {
      while (taken < 200) {
        taken += 1;
        if (!body.write(piece)) return void body.once('drain', more);
      }
      body.end();
    };
    more();
  });
  const socket = connect(port, '127.0.0.1', () => socket.write(last));
  socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(taken).toBeLessThan(200);
  const text = await whole(socket.resume());
  expect(text).toContain('\r\ntransfer-encoding: chunked\r\n');
  expect(text.endsWith('\r\n0\r\n\r\n')).toBe(true);
  expect(text.split('x')).toHaveLength(200 * piece.length + 1);
});

test.each([['short'], ['much too long']])(
  'behavior: a body that is not as long as it was said ends the connection: %s',
  async (text) => {
    const ends: boolean[] = [];
    const port = await serve((exchange) => {
      exchange.onEnd((isComplete) => ends.push(isComplete));
      exchange.stream(200, { 'content-length': '8' }).end(text);
    });
    const answer = await asked(port, [get('/a') + last]);
    expect(answer.split('HTTP/1.1')).toHaveLength(text === 'short' ? 2 : 1);
    expect(ends).toEqual([false]);
  },
);

test('behavior: a body that no client may see is not sent', async () => {
  const port = await serve((exchange) => {
    exchange.stream(304, { 'content-length': '8', etag: '"a"' }).end('unsent');
  });
  expect(await asked(port, [last])).not.toContain('unsent');
});

test('behavior: an idle connection ends after its time, one with a request under way does not', async () => {
  const port = await serve((exchange) => void setTimeout(tell, 600, exchange), 200);
  const idle = connect(port, '127.0.0.1');
  const startMs = performance.now();
  await whole(idle);
  expect(performance.now() - startMs).toBeGreaterThan(190);
  expect(toldOf(await asked(port, [get('/slow')]))).toEqual(['GET /slow']);
});
