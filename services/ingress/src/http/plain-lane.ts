import type { Socket } from 'node:net';
import type { Exchange } from './exchange.js';
import { type AnswerLine, PlainExchange } from './plain-exchange.js';
import { readPlainHead } from './plain-head.js';

/**
 * Connections whose requests are plainly fine so far: one request after the other is read, answered
 * and forgotten here. The first one that is not goes to the strict server with its connection and
 * with every byte of it, and stays there. So does a head that did not come in one piece: whether
 * the rest comes in time is watched there.
 */
export interface PlainLane {
  take(socket: Socket): void;
  /** From now on each answer is the last of its connection. */
  drain(): void;
  /** Ends connections that nothing is owed on. */
  closeIdle(): void;
  close(): void;
}

export interface PlainLaneOptions {
  readonly headerBytesMax: number;
  readonly keepAliveTimeoutMs: number;
  readonly nowMs: () => number;
  readonly onRequest: (exchange: Exchange) => void;
  /** Nothing was read of the socket that it would not read itself. */
  readonly handOver: (socket: Socket) => void;
}

interface Lane {
  readonly options: PlainLaneOptions;
  readonly connections: Set<Connection>;
  isDraining: boolean;
  /** Sweeps so far: a time that costs nothing to read. */
  sweeps: number;
}

interface Connection {
  readonly lane: Lane;
  readonly socket: Socket;
  readonly line: AnswerLine;
  current: PlainExchange | undefined;
  /** What came behind the current request. */
  rest: Buffer | undefined;
  idleSince: number;
  readonly onData: (bytes: Buffer) => void;
  readonly onEnd: () => void;
  readonly onClose: () => void;
}

/** An idle connection is ended after its time, and at most a quarter of it later. */
const sweepsToEnd = 5;

export function createPlainLane(options: PlainLaneOptions): PlainLane {
  const lane: Lane = { options, connections: new Set(), isDraining: false, sweeps: 0 };
  const sweep = setInterval(
    () => {
      lane.sweeps += 1;
      endIdle(lane, sweepsToEnd);
    },
    options.keepAliveTimeoutMs / (sweepsToEnd - 1),
  ).unref();
  return {
    take: (socket) => take(lane, socket),
    drain() {
      lane.isDraining = true;
    },
    closeIdle: () => endIdle(lane, 0),
    close: () => clearInterval(sweep),
  };
}

function endIdle({ connections, sweeps }: Lane, sweepsIdle: number): void {
  for (const { current, idleSince, socket } of connections) {
    if (current === undefined && sweeps - idleSince >= sweepsIdle) socket.destroy();
  }
}

function take(lane: Lane, socket: Socket): void {
  const { options } = lane;
  const line: AnswerLine = {
    socket,
    keepAliveS: Math.floor(options.keepAliveTimeoutMs / 1000),
    isDraining: () => lane.isDraining,
    nowMs: options.nowMs,
    written: (error) => finish(connection, error === undefined || error === null),
    over: (isComplete) => finish(connection, isComplete),
  };
  const connection: Connection = {
    ...{ lane, socket, line, current: undefined, rest: undefined, idleSince: lane.sweeps },
    onData: (bytes) => receive(connection, bytes),
    // Half a connection is none: as the strict server sees it, whoever ends has left.
    onEnd: () => void socket.end(),
    onClose() {
      lane.connections.delete(connection);
      finish(connection, false);
    },
  };
  lane.connections.add(connection);
  socket.on('error', ignore).on('data', connection.onData);
  socket.on('end', connection.onEnd).on('close', connection.onClose);
}

/** `close` follows, and tells. */
function ignore(): void {}

function receive(connection: Connection, bytes: Buffer): void {
  const { current, rest, socket, lane } = connection;
  if (current === undefined) return begin(connection, bytes);
  connection.rest = rest === undefined ? bytes : Buffer.concat([rest, bytes]);
  if (connection.rest.length > lane.options.headerBytesMax) socket.pause();
}

function begin(connection: Connection, bytes: Buffer): void {
  const { options } = connection.lane;
  const text = bytes.toString('latin1', 0, options.headerBytesMax);
  const end = text.indexOf('\r\n\r\n') + 4;
  const head = end < 4 ? undefined : readPlainHead(text.slice(0, end));
  if (head === undefined) return handOver(connection, bytes);
  if (end < bytes.length) connection.rest = bytes.subarray(end);
  connection.current = new PlainExchange(connection.line, head);
  options.onRequest(connection.current);
}

function finish(connection: Connection, isComplete: boolean): void {
  const { current, rest, socket, lane } = connection;
  if (current === undefined) return;
  connection.current = undefined;
  connection.rest = undefined;
  connection.idleSince = lane.sweeps;
  current.end(isComplete);
  if (!isComplete) socket.destroy();
  else if (current.isLast) socket.destroySoon();
  else if (rest !== undefined) {
    socket.resume();
    begin(connection, rest);
  }
}

function handOver(connection: Connection, bytes: Buffer): void {
  const { lane, socket } = connection;
  lane.connections.delete(connection);
  socket.off('error', ignore).off('data', connection.onData);
  socket.off('end', connection.onEnd).off('close', connection.onClose);
  // Paused, so that what is put back comes before what follows, and not before somebody listens.
  socket.pause();
  socket.unshift(bytes);
  lane.options.handOver(socket);
  socket.resume();
}
