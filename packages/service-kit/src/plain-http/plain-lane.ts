import type { Socket } from 'node:net';
import type { Answer } from './answer.js';
import { repeatedAnswer } from './answer-head.js';
import { createDoorLine, type Door, type DoorLine } from './door.js';
import { type AnswerLine, PlainExchange } from './plain-exchange.js';
import { isPlainGetWith, type PlainHead, readPlainHead } from './plain-head.js';

/**
 * Connections whose requests are plainly fine so far: one request after the other is read, answered
 * and forgotten here. The first one that is not goes to the strict server with its connection and
 * with every byte of it, and stays there. So does a head that did not come in one piece, and a body
 * that does not come for long: whether the rest comes in time is watched there.
 */
export interface PlainLane {
  take(socket: Socket): void;
  /** Requests that wait at the door. */
  inLine(): number;
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
  /** Whether requests with such a head are for the lane; their bodies are held in memory. */
  readonly takes: (head: PlainHead) => boolean;
  /** False: nothing was done about it, so the strict server has it. */
  readonly onRequest: (exchange: PlainExchange) => boolean;
  /** Undefined: everybody is let in. */
  readonly door?: Door | undefined;
  /** Nothing was read of the socket that it would not read itself. */
  readonly handOver: (socket: Socket) => void;
}

interface Lane {
  readonly options: PlainLaneOptions;
  readonly connections: Set<Connection>;
  isDraining: boolean;
  /** Sweeps so far: a time that costs nothing to read. */
  sweeps: number;
  readonly keepAliveS: number;
  readonly repeated: (answer: Answer, nowMs: number) => Buffer;
  /** Who waits at the door. */
  readonly line: DoorLine<Connection>;
  /** The line is looked at before the loop turns again. */
  isLooking: boolean;
}

interface Connection {
  readonly lane: Lane;
  readonly socket: Socket;
  readonly line: AnswerLine;
  current: PlainExchange | undefined;
  /** The request that waits at the door. */
  atDoor: Buffer | undefined;
  /** A request whose body is not here yet. */
  begun: Begun | undefined;
  /** What came behind the current request. */
  rest: Buffer | undefined;
  idleSince: number;
  readonly onData: (bytes: Buffer) => void;
  readonly onEnd: () => void;
  readonly onClose: () => void;
}

interface Begun {
  readonly head: PlainHead;
  readonly headBytes: number;
  readonly pieces: Buffer[];
  bytes: number;
}

const noBytes = Buffer.alloc(0);
const headEnd = Buffer.from('\r\n\r\n');
/** An idle connection is ended after its time, and at most a quarter of it later. */
const sweepsToEnd = 5;
const lineLookMs = 50;

export function createPlainLane(options: PlainLaneOptions): PlainLane {
  const keepAliveS = Math.floor(options.keepAliveTimeoutMs / 1000);
  const lane: Lane = {
    ...{ options, connections: new Set(), isDraining: false, sweeps: 0 },
    ...{ keepAliveS, repeated: repeatedAnswer(keepAliveS) },
    ...{ line: createDoorLine<Connection>(() => performance.now()), isLooking: false },
  };
  const sweep = setInterval(
    () => {
      lane.sweeps += 1;
      endIdle(lane, sweepsToEnd);
    },
    options.keepAliveTimeoutMs / (sweepsToEnd - 1),
  ).unref();
  // Whoever waits is looked at when an answer went out, too; where none does, here alone.
  const looking = setInterval(() => look(lane), lineLookMs).unref();
  return {
    take: (socket) => take(lane, socket),
    inLine: () => lane.line.length(),
    drain() {
      lane.isDraining = true;
    },
    closeIdle: () => endIdle(lane, 0),
    close() {
      clearInterval(sweep);
      clearInterval(looking);
    },
  };
}

function endIdle({ connections, sweeps }: Lane, sweepsIdle: number): void {
  for (const connection of connections) {
    const { current, atDoor, begun, idleSince, socket } = connection;
    if ((current ?? atDoor) !== undefined || sweeps - idleSince < sweepsIdle) continue;
    if (begun === undefined) socket.destroy();
    else handOver(connection, Buffer.concat(begun.pieces));
  }
}

function take(lane: Lane, socket: Socket): void {
  const { options } = lane;
  const line: AnswerLine = {
    socket,
    keepAliveS: lane.keepAliveS,
    credit: { challenges: 0 },
    isDraining: () => lane.isDraining,
    nowMs: options.nowMs,
    written: (error) => finish(connection, error === undefined || error === null),
    over: (isComplete) => finish(connection, isComplete),
  };
  const connection: Connection = {
    ...{ lane, socket, line, idleSince: lane.sweeps },
    ...{ current: undefined, atDoor: undefined, begun: undefined, rest: undefined },
    onData: (bytes) => receive(connection, bytes),
    // Half a connection is none: as the strict server sees it, whoever ends has left.
    onEnd: () => void socket.end(),
    onClose() {
      lane.connections.delete(connection);
      connection.atDoor = undefined;
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
  const { current, atDoor, begun, rest, socket, lane } = connection;
  if (begun !== undefined) return gather(connection, begun, bytes);
  if ((current ?? atDoor) === undefined) return begin(connection, bytes);
  connection.rest = rest === undefined ? bytes : Buffer.concat([rest, bytes]);
  if (connection.rest.length > lane.options.headerBytesMax) socket.pause();
}

/** `isLetIn`: whoever stood at the door has been seen there. */
function begin(connection: Connection, bytes: Buffer, isLetIn = false): void {
  const { options, sweeps } = connection.lane;
  const headBytes = bytes.indexOf(headEnd) + headEnd.length;
  const isWhole = headBytes >= headEnd.length && headBytes <= options.headerBytesMax;
  const text = isWhole ? bytes.toString('latin1', 0, headBytes) : '';
  const isAlone = isWhole && headBytes === bytes.length && !isLetIn;
  if (isAlone && isStopped(connection, text, bytes)) return;
  const head = isWhole ? readPlainHead(text) : undefined;
  if (head === undefined || !options.takes(head)) return handOver(connection, bytes);
  if (bytes.length >= headBytes + head.bodyBytes) return start(connection, head, headBytes, bytes);
  connection.begun = { head, headBytes, pieces: [bytes], bytes: bytes.length };
  connection.idleSince = sweeps;
}

/** The body of a request comes in any number of pieces. */
function gather(connection: Connection, begun: Begun, bytes: Buffer): void {
  const { head, headBytes, pieces } = begun;
  pieces.push(bytes);
  begun.bytes += bytes.length;
  if (begun.bytes < headBytes + head.bodyBytes) return;
  connection.begun = undefined;
  start(connection, head, headBytes, Buffer.concat(pieces));
}

function start(connection: Connection, head: PlainHead, headBytes: number, bytes: Buffer): void {
  const end = headBytes + head.bodyBytes;
  const content = head.bodyBytes === 0 ? noBytes : bytes.subarray(headBytes, end);
  const exchange = new PlainExchange(connection.line, head, content);
  if (end < bytes.length) connection.rest = bytes.subarray(end);
  connection.current = exchange;
  if (connection.lane.options.onRequest(exchange)) return;
  connection.current = undefined;
  handOver(connection, bytes);
}

/** At the door: it waits there, or is answered with bytes that are there already. */
function isStopped(connection: Connection, head: string, bytes: Buffer): boolean {
  const { lane, socket } = connection;
  const { door } = lane.options;
  // Who does not read its answers, or is to leave, is served with all that belongs to it.
  if (door === undefined || lane.isDraining || socket.writableLength > 0) return false;
  const state = door.state(lane.line.length());
  if (state === 'open' || !isPlainGetWith(door.names, head)) return false;
  if (state === 'shut') turnAway(connection, door);
  else {
    connection.atDoor = bytes;
    lane.line.stand(connection);
  }
  return true;
}

function turnAway(connection: Connection, door: Door): void {
  const { lane, socket } = connection;
  socket.write(lane.repeated(door.refusal(), lane.options.nowMs()));
  connection.idleSince = lane.sweeps;
}

/** Lets in whom there is room for; tells those who stood in line for too long. */
function look(lane: Lane): void {
  const { line } = lane;
  const { door } = lane.options;
  lane.isLooking = false;
  if (door === undefined || line.length() === 0) return;
  const lateBeforeMs = performance.now() - door.waitMsMax;
  for (let late = line.next(lateBeforeMs); late; late = line.next(lateBeforeMs))
    sendAway(late, door);
  // Who has just come in may fill the room, so the door is asked for each of them.
  while (line.length() > 0 && (lane.isDraining || door.state(0) === 'open')) {
    const next = line.next();
    if (next !== undefined) letIn(next);
  }
}

/** With what came behind it. Nothing is done for who has left meanwhile. */
function letIn(connection: Connection): void {
  const { atDoor, rest, socket } = connection;
  if (atDoor === undefined) return;
  connection.atDoor = undefined;
  connection.rest = undefined;
  if (rest !== undefined) socket.resume();
  begin(connection, rest === undefined ? atDoor : Buffer.concat([atDoor, rest]), true);
}

function sendAway(connection: Connection, door: Door): void {
  if (connection.atDoor === undefined) return;
  connection.atDoor = undefined;
  turnAway(connection, door);
  goOn(connection);
}

function finish(connection: Connection, isComplete: boolean): void {
  const { current, socket, lane } = connection;
  if (current === undefined) return;
  connection.current = undefined;
  connection.idleSince = lane.sweeps;
  current.end(isComplete);
  if (!isComplete) socket.destroy();
  else if (current.isLast) socket.destroySoon();
  else goOn(connection);
  lookSoon(lane);
}

/** With what came behind a request that is answered. */
function goOn(connection: Connection): void {
  const { rest, socket } = connection;
  if (rest === undefined) return;
  connection.rest = undefined;
  socket.resume();
  begin(connection, rest);
}

/** At the end of this turn: many answers go out in one. */
function lookSoon(lane: Lane): void {
  if (lane.isLooking || lane.line.length() === 0) return;
  lane.isLooking = true;
  setImmediate(look, lane);
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
