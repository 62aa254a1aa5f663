import { connect, type Socket } from 'node:net';
import { errors } from 'undici';
import { type AnswerReader, createAnswerReader } from './answer-reader.js';
import { heldBytes } from './held-bytes.js';
import type { OriginsOptions } from './origin.js';
import type { PageHandler } from './origin-page.js';

/**
 * A client for one origin without TLS, for GET and HEAD: kept connections, one request at a time
 * on each. A request that fails is not tried again, whatever it failed of.
 */
export interface OriginClient {
  dispatch(request: BareRequest, handler: PageHandler): void;
  close(): void;
}

export interface BareRequest {
  readonly method: string;
  readonly path: string;
  /** Name, value, name, value, the Host among them; nothing that speaks of a body. */
  readonly headers: readonly string[];
}

interface Client {
  readonly host: string;
  readonly port: number;
  readonly options: OriginsOptions;
  readonly connections: Set<Connection>;
  /** The one that was used last is the first to be used again. */
  readonly idle: Connection[];
  readonly waiting: Ask[];
  /** What is read of any connection comes here first. */
  readonly piece: Buffer;
}

interface Ask {
  readonly request: BareRequest;
  readonly handler: PageHandler;
  connection: Connection | undefined;
  isOver: boolean;
}

interface Connection {
  readonly socket: Socket;
  ask: Ask | undefined;
  reader: AnswerReader | undefined;
  phase: 'connecting' | 'head' | 'body' | 'idle';
  /** Of the monotonic clock: what is awaited then has not come. */
  untilMs: number;
}

const sweepMsMax = 500;
const pieceBytes = 64 * 1024;

export function createOriginClient(origin: URL, options: OriginsOptions): OriginClient {
  const client: Client = {
    host: origin.hostname.replace(/^\[|\]$/g, ''),
    port: Number(origin.port === '' ? 80 : origin.port),
    ...{ options, connections: new Set(), idle: [], waiting: [] },
    piece: Buffer.allocUnsafeSlow(pieceBytes),
  };
  const { connectTimeoutMs, headersTimeoutMs, bodyTimeoutMs } = options;
  const shortestMs = Math.min(connectTimeoutMs, headersTimeoutMs, bodyTimeoutMs);
  const everyMs = Math.min(sweepMsMax, Math.ceil(shortestMs / 4));
  const sweep = setInterval(() => endLate(client), everyMs).unref();
  return {
    dispatch: (request, handler) => start(client, request, handler),
    close() {
      clearInterval(sweep);
      for (const ask of client.waiting.splice(0)) endAsk(ask, new errors.ClientDestroyedError());
      for (const one of [...client.connections])
        drop(client, one, new errors.ClientDestroyedError());
    },
  };
}

function start(client: Client, request: BareRequest, handler: PageHandler): void {
  const ask: Ask = { request, handler, connection: undefined, isOver: false };
  handler.onRequestStart({
    abort: (error) => giveUp(client, ask, error),
    pause() {
      if (ask.isOver || ask.connection === undefined) return;
      ask.connection.untilMs = Number.POSITIVE_INFINITY;
      ask.connection.socket.pause();
    },
    resume() {
      if (ask.isOver || ask.connection === undefined) return;
      awaits(ask.connection, 'body', client.options.bodyTimeoutMs);
      ask.connection.socket.resume();
    },
  });
  if (ask.isOver) return;
  const idle = client.idle.pop();
  if (idle !== undefined) send(client, idle, ask);
  else if (client.connections.size < client.options.connectionsMax) open(client, ask);
  else client.waiting.push(ask);
}

function giveUp(client: Client, ask: Ask, error: Error): void {
  if (ask.isOver) return;
  if (ask.connection !== undefined) return drop(client, ask.connection, error);
  const place = client.waiting.indexOf(ask);
  if (place >= 0) client.waiting.splice(place, 1);
  endAsk(ask, error);
}

function open(client: Client, ask: Ask): void {
  const { host, port, options, piece } = client;
  // Read past the stream: its buffers and events cost more than to copy a page.
  const onread = {
    buffer: piece,
    callback(bytes: number): boolean {
      receive(client, connection, heldBytes(piece.subarray(0, bytes)));
      return true;
    },
  };
  const socket = connect({ host, port, noDelay: true, onread });
  const connection: Connection = {
    ...{ socket, ask, reader: undefined, phase: 'connecting', untilMs: 0 },
  };
  ask.connection = connection;
  client.connections.add(connection);
  awaits(connection, 'connecting', options.connectTimeoutMs);
  socket.once('connect', () => {
    if (connection.ask !== undefined) send(client, connection, connection.ask);
  });
  socket.on('end', () => ended(client, connection));
  socket.on('error', (error) => drop(client, connection, error));
  socket.on('close', () =>
    drop(client, connection, new errors.SocketError('closed by the origin')),
  );
}

function send(client: Client, connection: Connection, ask: Ask): void {
  const { method, path, headers } = ask.request;
  connection.ask = ask;
  ask.connection = connection;
  connection.reader = createAnswerReader(method, {
    onHead(status, lines) {
      if (ask.isOver) return;
      awaits(connection, 'body', client.options.bodyTimeoutMs);
      ask.handler.onResponseStart(status, lines);
    },
    onData(bytes) {
      if (!ask.isOver) ask.handler.onResponseData(bytes);
    },
    onEnd() {
      if (ask.isOver) return;
      ask.isOver = true;
      ask.handler.onResponseEnd();
    },
  });
  awaits(connection, 'head', client.options.headersTimeoutMs);
  let text = `${method} ${path} HTTP/1.1\r\n`;
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  connection.socket.write(`${text}connection: keep-alive\r\n\r\n`, 'latin1');
}

function awaits(connection: Connection, phase: Connection['phase'], forMs: number): void {
  connection.phase = phase;
  connection.untilMs = performance.now() + forMs;
}

function receive(client: Client, connection: Connection, bytes: Buffer): void {
  const { ask, reader } = connection;
  if (ask === undefined || reader === undefined) return drop(client, connection, unasked());
  if (connection.phase === 'body') awaits(connection, 'body', client.options.bodyTimeoutMs);
  try {
    reader.read(bytes);
  } catch (error) {
    return drop(client, connection, error as Error);
  }
  if (ask.isOver && connection.ask === ask) release(client, connection, reader.reusableForMs());
}

/** Its answer is whole: the next request may have the connection. */
function release(client: Client, connection: Connection, forMs: number): void {
  connection.ask = undefined;
  connection.reader = undefined;
  if (forMs === 0) return drop(client, connection, unasked());
  connection.socket.resume();
  const next = client.waiting.shift();
  if (next !== undefined) return send(client, connection, next);
  awaits(connection, 'idle', forMs);
  client.idle.push(connection);
}

function ended(client: Client, connection: Connection): void {
  try {
    connection.reader?.end();
    drop(client, connection, unasked());
  } catch (error) {
    drop(client, connection, error as Error);
  }
}

/** Why a connection ends that nobody waits for. */
function unasked(): Error {
  return new errors.SocketError('nothing is asked on it');
}

/** The connection is no more; whoever waits for an answer of it hears why. */
function drop(client: Client, connection: Connection, error: Error): void {
  if (!client.connections.delete(connection)) return;
  const place = client.idle.indexOf(connection);
  if (place >= 0) client.idle.splice(place, 1);
  connection.socket.destroy();
  const { ask } = connection;
  connection.ask = undefined;
  if (ask !== undefined) endAsk(ask, error);
  const next = client.waiting.shift();
  if (next !== undefined) open(client, next);
}

function endAsk(ask: Ask, error: Error): void {
  if (ask.isOver) return;
  ask.isOver = true;
  ask.handler.onResponseError(error);
}

function endLate(client: Client): void {
  const nowMs = performance.now();
  for (const connection of [...client.connections]) {
    if (nowMs < connection.untilMs) continue;
    drop(client, connection, lateError(connection.phase));
  }
}

function lateError(phase: Connection['phase']): Error {
  if (phase === 'connecting') return new errors.ConnectTimeoutError();
  return phase === 'head' ? new errors.HeadersTimeoutError() : new errors.BodyTimeoutError();
}
