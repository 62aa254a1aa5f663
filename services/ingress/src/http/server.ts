import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { ErrorCode } from '@paycrawl/errors/catalogue';
import type { Answer } from '@paycrawl/service-kit/plain-http/answer';
import type { Door } from '@paycrawl/service-kit/plain-http/door';
import type { Exchange } from '@paycrawl/service-kit/plain-http/exchange';
import { closeWithLane, putLaneBefore } from '@paycrawl/service-kit/plain-http/lane-before-server';
import type { PlainLane } from '@paycrawl/service-kit/plain-http/plain-lane';
import { strictExchange } from './strict-exchange.js';

export interface ServerOptions {
  readonly headerBytesMax: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Unix milliseconds. */
  readonly clock: () => number;
  readonly onRequest: (exchange: Exchange) => void;
  /** Of the plain lane; who comes another way is refused further in. */
  readonly door?: Door;
  /** Something that is no HTTP request that could be read; answers what is sent back. */
  readonly onUnreadable: (code: ErrorCode) => Promise<Answer>;
}

export interface PublicServer {
  readonly strict: Server;
  readonly lane: PlainLane;
}

/**
 * Two ways to read one port. Requests that are plainly fine are read and answered by the plain
 * lane; every other one by `node:http`, whose parser is the strict one: both Content-Length and
 * Transfer-Encoding, bare line feeds and folded headers are refused there. Upgrades are not
 * offered: such a request is answered as a plain one.
 */
export function createPublicServer(options: ServerOptions): PublicServer {
  const strict = createStrictServer(options);
  const { headerBytesMax, keepAliveTimeoutMs, onRequest, door, clock: nowMs } = options;
  const lane = putLaneBefore(strict, {
    ...{ headerBytesMax, keepAliveTimeoutMs, door, nowMs },
    // What has a body is read by node:http, which lets it wait for the origin.
    takes: ({ method }) => method !== 'POST',
    onRequest: (exchange) => {
      onRequest(exchange);
      return true;
    },
  });
  return { strict, lane };
}

function createStrictServer(options: ServerOptions): Server {
  const server = createServer(
    {
      maxHeaderSize: options.headerBytesMax,
      requestTimeout: options.requestTimeoutMs,
      headersTimeout: Math.min(options.requestTimeoutMs, 30_000),
      keepAliveTimeout: options.keepAliveTimeoutMs,
      insecureHTTPParser: false,
      noDelay: true,
    },
    (request, response) => options.onRequest(strictExchange(request, response)),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy();
    const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW';
    const code = isTooLarge ? 'request_headers_too_large' : 'request_malformed';
    options.onUnreadable(code).then(
      (answer) => socket.end(rawAnswer(answer)),
      () => socket.destroy(),
    );
  });
  return server;
}

function rawAnswer({ status, headers, body }: Answer): string {
  const text = body.toString();
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return (
    `HTTP/1.1 ${status} ${status === 503 ? 'Service Unavailable' : 'Bad Request'}\r\n` +
    `${lines.join('')}content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`
  );
}

/** Clients that come all at once wait in it; with fewer places some would be a second late (SYN). */
const backlog = 4_096;

export async function listenOn(
  { strict: server }: PublicServer,
  host: string,
  port: number,
): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, backlog, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { address, family, port: bound } = server.address() as AddressInfo;
  const isAny = address === '0.0.0.0' || address === '::';
  const name = family === 'IPv6' && !isAny ? `[${address}]` : isAny ? '127.0.0.1' : address;
  return `http://${name}:${bound}`;
}

/**
 * Before the end: whoever sends requests here still gets answers, and with each the wish to come
 * over another connection the next time. Cutting idle connections at once would lose the request
 * that a client is just sending on one of them.
 */
export async function drainServer({ strict, lane }: PublicServer, drainMs: number): Promise<void> {
  if (drainMs === 0) return;
  lane.drain();
  strict.prependListener('request', (_request, response: ServerResponse) => {
    response.setHeader('connection', 'close');
  });
  await new Promise((resolve) => setTimeout(resolve, drainMs));
}

/** Answers what was begun; connections end as soon as they are idle. */
export function closeServer({ strict, lane }: PublicServer): Promise<void> {
  const close = (): Promise<void> => new Promise((resolve) => strict.close(() => resolve()));
  return closeWithLane(strict, lane, close);
}
