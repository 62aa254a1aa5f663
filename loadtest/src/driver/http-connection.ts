import { connect, type Socket } from 'node:net';
import { fail } from '@paycrawl/errors/paycrawl-error';

/**
 * A lean HTTP/1.1 client connection for load: prebuilt request bytes out, status and the end of
 * the response in. It understands exactly what our servers and the peers answer: Content-Length,
 * chunked bodies, and answers without a body.
 */
export interface HttpConnection {
  /** Sends the bytes; resolves when the whole response is in. One at a time. */
  request(bytes: Buffer): Promise<HttpResponse>;
  close(): void;
}

export interface HttpResponse {
  readonly status: number;
  /** Head as text, for those who want a header. */
  readonly head: string;
  readonly bodyBytes: number;
}

export interface HttpTarget {
  readonly host: string;
  readonly port: number;
}

export function targetOf(origin: string): HttpTarget {
  const { hostname, port } = new URL(origin);
  return { host: hostname, port: Number.parseInt(port, 10) };
}

const headEnd = Buffer.from('\r\n\r\n');
const chunkedEnd = Buffer.from('0\r\n\r\n');
const empty = Buffer.alloc(0);

export async function openConnection(target: HttpTarget): Promise<HttpConnection> {
  const socket = await connected(target);
  let pending: { resolve(r: HttpResponse): void; reject(e: Error): void } | undefined;
  let buffered: Buffer = empty;

  socket.on('data', (chunk: Buffer) => {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
    const response = parse(buffered);
    if (response === undefined) return;
    buffered = empty;
    const waiter = pending;
    pending = undefined;
    waiter?.resolve(response);
  });
  const drop = (reason: string): void => {
    const waiter = pending;
    pending = undefined;
    waiter?.reject(fail('bench_failed', reason));
  };
  socket.on('error', (error) => drop(error.message));
  socket.on('close', () => drop('connection closed'));

  return {
    request: (bytes) =>
      new Promise((resolve, reject) => {
        pending = { resolve, reject };
        if (socket.destroyed) return drop('connection closed');
        socket.write(bytes);
      }),
    close: () => socket.destroy(),
  };
}

function connected({ host, port }: HttpTarget): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** The response, once all of it is there. */
function parse(bytes: Buffer): HttpResponse | undefined {
  const end = bytes.indexOf(headEnd);
  if (end < 0) return undefined;
  const head = bytes.toString('latin1', 0, end);
  const status = Number.parseInt(head.slice(9, 12), 10);
  const bodyStart = end + headEnd.length;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length !== null) {
    const bodyBytes = Number.parseInt(length[1] as string, 10);
    return bytes.length >= bodyStart + bodyBytes ? { status, head, bodyBytes } : undefined;
  }
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const isWhole = bytes.subarray(-chunkedEnd.length).equals(chunkedEnd);
    return isWhole ? { status, head, bodyBytes: bytes.length - bodyStart } : undefined;
  }
  return { status, head, bodyBytes: 0 };
}
