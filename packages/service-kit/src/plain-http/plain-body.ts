import type { Socket } from 'node:net';
import { Writable } from 'node:stream';

/** How the client learns where a body ends. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' };

/** Of an answer with these headers; `none`: it has no body whatever is written. */
export function framingOf(length: string | string[] | undefined, isWithout: boolean): Framing {
  if (isWithout) return { kind: 'none' };
  const bytes = Number(length);
  return length !== undefined && Number.isSafeInteger(bytes) && bytes >= 0
    ? { kind: 'length', bytes }
    : { kind: 'chunked' };
}

/**
 * A body on its way to a socket, after its head, as fast as the socket takes it. A body of another
 * length than was announced breaks the connection off: the next answer would be read wrongly.
 */
export function plainBody(
  socket: Socket,
  head: string,
  framing: Framing,
  onEnd: (isComplete: boolean) => void,
): Writable {
  let unsent = head;
  let left = framing.kind === 'length' ? framing.bytes : 0;
  const takeHead = (): string => {
    const text = unsent;
    unsent = '';
    return text;
  };
  const body = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (chunk.length === 0) return done();
      if (framing.kind === 'none') return done();
      if (framing.kind === 'chunked') {
        const size = `${takeHead()}${chunk.length.toString(16)}\r\n`;
        return writeTogether(socket, [size, chunk, '\r\n'], done);
      }
      left -= chunk.length;
      if (left < 0) return void body.destroy();
      writeTogether(socket, [takeHead(), chunk], done);
    },
    final(done) {
      if (left > 0) return void body.destroy();
      const last = framing.kind === 'chunked' ? `${takeHead()}0\r\n\r\n` : takeHead();
      if (last === '') done();
      else socket.write(last, 'latin1', done);
    },
    destroy(error, done) {
      onEnd(body.writableFinished);
      done(error);
    },
  });
  // A client that is gone is told by `close`; nobody else need hear of it.
  body.on('error', () => undefined);
  return body;
}

type Done = (error?: Error | null) => void;

function writeTogether(socket: Socket, parts: readonly (string | Buffer)[], done: Done): void {
  socket.cork();
  for (const [i, part] of parts.entries()) {
    const then = i === parts.length - 1 ? done : undefined;
    if (typeof part === 'string') socket.write(part, 'latin1', then);
    else socket.write(part, then);
  }
  socket.uncork();
}
