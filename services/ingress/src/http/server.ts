import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { ErrorCode } from '@paycrawl/errors/catalogue';
import type { Answer } from './answer.js';

export interface ServerOptions {
  readonly headerBytesMax: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  /** Something that is no HTTP request that could be read; answers what is sent back. */
  readonly onUnreadable: (code: ErrorCode) => Promise<Answer>;
}

/**
 * Bare `node:http`: a framework's routing and hooks would cost more than a 402 does. The parser
 * is the strict one: both Content-Length and Transfer-Encoding, bare line feeds and folded headers
 * are refused there. Upgrades are not offered: such a request is answered as a plain one.
 */
export function createPublicServer(options: ServerOptions): Server {
  const server = createServer(
    {
      maxHeaderSize: options.headerBytesMax,
      requestTimeout: options.requestTimeoutMs,
      headersTimeout: Math.min(options.requestTimeoutMs, 30_000),
      keepAliveTimeout: options.keepAliveTimeoutMs,
      insecureHTTPParser: false,
      noDelay: true,
    },
    options.onRequest,
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

export async function listenOn(server: Server, host: string, port: number): Promise<string> {
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
export async function drainServer(server: Server, drainMs: number): Promise<void> {
  if (drainMs === 0) return;
  server.prependListener('request', (_request, response: ServerResponse) => {
    response.setHeader('connection', 'close');
  });
  await new Promise((resolve) => setTimeout(resolve, drainMs));
}

const idleCheckMs = 50;

/** Answers what was begun; connections end as soon as they are idle. */
export async function closeServer(server: Server): Promise<void> {
  const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs);
  try {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  } finally {
    clearInterval(idle);
  }
}
