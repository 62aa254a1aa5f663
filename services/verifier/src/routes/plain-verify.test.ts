import { connect } from 'node:net';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { createHttp, listen } from '@paycrawl/service-kit/http';
import { createLogger } from '@paycrawl/service-kit/logger';
import { closeWithLane, putLaneBefore } from '@paycrawl/service-kit/plain-http/lane-before-server';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { AnswerVerify } from './facilitator.js';
import { onPlainVerify, takesVerify } from './plain-verify.js';

const bodyBytesMax = 2_000;
const payer = `0x${'1'.repeat(40)}`;

/** What is asked for is answered, so that a test sees which body was read. */
const answerVerify: AnswerVerify = async (body, { authorization }) => {
  await new Promise(setImmediate);
  const { ask } = body as { ask?: string };
  if (authorization === 'Bearer wrong') throw fail('token_invalid', 'Send a valid API key.');
  if (ask === 'away')
    throw fail('chain_unavailable', 'Away.', { context: { retryAfterMs: 2_500 } });
  if (ask === 'broken') throw new TypeError('private');
  if (ask === 'valid') return { isValid: true, payer };
  return { isValid: false, invalidReason: `ask ${ask}`, payer };
};

interface Served {
  readonly port: number;
  /** Requests that Fastify saw. */
  strict: number;
  plain: number;
}

async function serve(hasLane: boolean): Promise<Served> {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const app = createHttp({ logger, fastify: { bodyLimit: bodyBytesMax } });
  app.addHook('onRequest', async () => void served.strict++);
  app.post('/verify', async ({ body, headers }, reply) => {
    const answer = await answerVerify(body, headers, () => undefined);
    return reply.header('cache-control', 'no-store').send(answer);
  });
  const onRequest = onPlainVerify({ answerVerify, logger });
  const lane = putLaneBefore(app.server, {
    ...{ headerBytesMax: 16_384, keepAliveTimeoutMs: app.server.keepAliveTimeout },
    nowMs: Date.now,
    takes: (head) => hasLane && takesVerify(bodyBytesMax)(head),
    onRequest: (exchange) => {
      const isTaken = onRequest(exchange);
      if (isTaken) served.plain++;
      return isTaken;
    },
  });
  const origin = await listen(app, { host: '127.0.0.1', port: 0 });
  const served: Served = { port: Number(new URL(origin).port), strict: 0, plain: 0 };
  onTestFinished(() => closeWithLane(app.server, lane, () => app.close()));
  return served;
}

/** All that comes back until the server ends the connection, without its dates. */
async function asked({ port }: Served, pieces: readonly string[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  const ended = new Promise((resolve) => socket.once('close', resolve));
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise(setImmediate);
  }
  await ended;
  return text.replaceAll(/Date: .*\r\n/g, '');
}

interface Parts {
  readonly method?: string;
  readonly path?: string;
  readonly lines?: readonly string[];
}

function request(body: string, { method = 'POST', path = '/verify', lines = [] }: Parts = {}) {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  const all = ['Host: a', 'Content-Type: application/json', length, ...lines];
  return `${method} ${path} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n${body}`;
}

const ask = (what: string): string => JSON.stringify({ ask: what });
const last = request(ask('valid'), { lines: ['Connection: close'] });
const typed = (type: string): string =>
  request(ask('typed')).replace('Content-Type: application/json', `Content-Type: ${type}`);

const plain: readonly (readonly [string, string])[] = [
  ['valid', request(ask('valid'))],
  ['refused', request(ask('nothing'))],
  ['beyond ASCII', request(ask('grüße, 世界'))],
  ['a key', request(ask('valid'), { lines: ['Authorization: Bearer right'] })],
  ['a wrong key', request(ask('valid'), { lines: ['Authorization: Bearer wrong'] })],
  ['503', request(ask('away'))],
  ['a fault', request(ask('broken'))],
  ['a charset', typed('application/json; charset=utf-8')],
];
const odd: readonly (readonly [string, string])[] = [
  ['another spelling of the type', typed('Application/JSON')],
  ['a query', request(ask('x'), { path: '/verify?a=1' })],
  ['another path', request(ask('x'), { path: '/verify/' })],
  ['an unknown path', request(ask('x'), { path: '/nowhere' })],
  ['absolute form', request(ask('x'), { path: 'http://a/verify' })],
  ['PUT', request(ask('x'), { method: 'PUT' })],
  ['GET', 'GET /verify HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['HEAD', 'HEAD /verify HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['OPTIONS', 'OPTIONS /verify HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['expect', request(ask('x'), { lines: ['Expect: 100-continue'] })],
  ['escapes', request('{"ask":"\\u0041"}')],
  [
    'chunked',
    'POST /verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n' +
      'Transfer-Encoding: chunked\r\n\r\n5\r\n{"ask\r\n8\r\n":"one"}\r\n0\r\n\r\n',
  ],
];
/** Refused so that the connection ends. */
const lastOdd: readonly (readonly [string, string])[] = [
  ['not JSON', request('{"ask":')],
  ['no body', request('')],
  ['a prototype', request('{"__proto__":{"ask":"valid"}}')],
  ['a constructor', request('{"constructor":{"prototype":{}}}')],
  ['a prototype in escapes', request('{"\\u005f_proto__":{"ask":"valid"}}')],
  ['another type', typed('text/plain')],
  ['no type', request(ask('x')).replace('Content-Type: application/json\r\n', '')],
  ['too large', request(ask('x'.repeat(bodyBytesMax)))],
  ['two lengths', request(ask('x'), { lines: ['Content-Length: 3'] })],
  ['a length and chunks', request(ask('x'), { lines: ['Transfer-Encoding: chunked'] })],
  [
    'a length that is none',
    request(ask('x')).replace(/Content-Length: \d+/, 'Content-Length: 1e1'),
  ],
  ['no host', request(ask('x')).replace('Host: a\r\n', '')],
  ['bare line feeds', request(ask('x')).replaceAll('\r\n', '\n')],
];

test.each(plain)('behavior: %s: answered past Fastify in the same bytes', async (_, text) => {
  const [lane, strict] = [await serve(true), await serve(false)];
  const answer = await asked(lane, [text + last]);
  expect(answer).toBe(await asked(strict, [text + last]));
  expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(2);
  expect(lane).toMatchObject({ plain: 2, strict: 0 });
});

test.each(odd)('behavior: %s is for Fastify', async (_, text) => {
  const [lane, strict] = [await serve(true), await serve(false)];
  const before = request(ask('before'));
  expect(await asked(lane, [before + text + last])).toBe(
    await asked(strict, [before + text + last]),
  );
  expect(lane.plain).toBe(1);
});

test.each(lastOdd)('behavior: %s is refused as Fastify does', async (_, text) => {
  const [lane, strict] = [await serve(true), await serve(false)];
  expect(await asked(lane, [text + last])).toBe(await asked(strict, [text + last]));
  expect(lane.plain).toBe(0);
});

test('property: however it is cut, each request has its answer, in order', async () => {
  const [lane, strict] = [await serve(true), await serve(false)];
  const texts = [...plain, ...odd].map(([, text]) => text);
  const cuts = fc.array(fc.integer({ min: 1, max: 1_000 }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...texts), { maxLength: 5 }),
      cuts,
      async (some, at) => {
        const bytes = some.join('') + last;
        const ends = [...at.filter((end) => end < bytes.length), bytes.length];
        ends.sort((a, b) => a - b);
        const pieces = ends.map((end, i) => bytes.slice(ends[i - 1] ?? 0, end));
        expect(await asked(lane, pieces)).toBe(await asked(strict, [bytes]));
      },
    ),
    { numRuns: 60 },
  );
});
