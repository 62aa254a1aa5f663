import { connect, type Socket } from 'node:net';
import { type HttpResponse, parseResponse } from './http-response.js';

/**
 * A lean HTTP/1.1 client connection for load: prebuilt request bytes out, the end of the response
 * in. One request at a time.
 */
export interface HttpConnection {
  /** Called back once. The response's bytes are good until the callback returns. */
  send(bytes: Buffer, onAnswer: OnAnswer): void;
  close(): void;
}

/** The response, or why none came: the connection is of no use any more then. */
export type OnAnswer = (answer: HttpResponse | string) => void;

export interface HttpTarget {
  readonly host: string;
  readonly port: number;
}

export function targetOf(origin: string): HttpTarget {
  const { hostname, port } = new URL(origin);
  return { host: hostname, port: Number.parseInt(port, 10) };
}

/** Most answers come in one piece that fits; the next piece is read into the same bytes. */
const readBytes = 16 * 1024;

/**
 * So many of them, taken by the server before the first request: libuv takes one for each turn of
 * a loop, and the system says that they are open long before. Once a server is busy its turns are
 * long, and requests on those that it did not take yet would wait for the end of the load.
 */
export async function openConnections(
  target: HttpTarget,
  count: number,
): Promise<HttpConnection[]> {
  const opened = Array.from({ length: count }, () => openConnection(target));
  const connections = await Promise.all(opened);
  await new Promise((resolve) => setTimeout(resolve, count / takenPerMs));
  return connections;
}

/** Of a server that has nothing else to do. */
const takenPerMs = 4;

export function openConnection({ host, port }: HttpTarget): Promise<HttpConnection> {
  return new Promise((resolve, reject) => {
    const reader = createReader();
    const onread = { buffer: reader.piece, callback: reader.onRead };
    const socket = connect({ host, port, noDelay: true, onread });
    const failed = (error: Error): void => reject(error);
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      socket.on('error', (error) => reader.end(error.message));
      socket.on('close', () => reader.end('connection closed'));
      resolve(connectionOver(socket, reader));
    });
  });
}

function connectionOver(socket: Socket, reader: Reader): HttpConnection {
  return {
    send(bytes, onAnswer) {
      reader.expect(onAnswer);
      if (socket.destroyed) reader.end('connection closed');
      else socket.write(bytes);
    },
    close: () => void socket.destroy(),
  };
}

interface Reader {
  readonly piece: Buffer;
  onRead(bytes: number): boolean;
  expect(onAnswer: OnAnswer): void;
  end(why: string): void;
}

function createReader(): Reader {
  const piece = Buffer.allocUnsafe(readBytes);
  let begun: Buffer | undefined;
  let waiting: OnAnswer | undefined;
  const answer = (result: HttpResponse | string): void => {
    const waiter = waiting;
    waiting = undefined;
    begun = undefined;
    waiter?.(result);
  };
  return {
    piece,
    onRead(bytes) {
      const fresh = piece.subarray(0, bytes);
      const all = begun === undefined ? fresh : Buffer.concat([begun, fresh]);
      const response = parseResponse(all);
      if (response !== undefined) answer(response);
      else begun = begun === undefined ? Buffer.from(fresh) : all;
      return true;
    },
    expect: (onAnswer) => {
      waiting = onAnswer;
    },
    end: answer,
  };
}
