import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';

export type BufferedBody =
  | { readonly kind: 'whole'; readonly body: Buffer }
  /** Longer than the limit: what came so far, and the rest still to come. */
  | { readonly kind: 'long'; readonly begun: readonly Buffer[]; readonly rest: Chunks }
  | { readonly kind: 'broken'; readonly error: unknown };

export type Chunks = AsyncIterator<Buffer>;

/** Reads the body of an answer of the origin whole, if it is short enough to be held. */
export async function readBody(
  { headers, body }: Dispatcher.ResponseData,
  bytesMax: number,
): Promise<BufferedBody> {
  const declared = Number.parseInt(String(headers['content-length'] ?? ''), 10);
  // A length that is announced as too long need not be read first to be known.
  if (declared > bytesMax) return readUpTo(body, 0);
  if (!(declared <= bytesMax)) return readUpTo(body, bytesMax);
  try {
    // Past the machinery of streams: the client holds the origin to the length that it announced.
    const bytes = await body.bytes();
    return { kind: 'whole', body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
  } catch (error) {
    return { kind: 'broken', error };
  }
}

async function readUpTo(stream: Readable, bytesMax: number): Promise<BufferedBody> {
  const chunks: Chunks = stream[Symbol.asyncIterator]();
  const begun: Buffer[] = [];
  let bytes = 0;
  try {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      begun.push(next.value);
      bytes += next.value.length;
      if (bytes > bytesMax) return { kind: 'long', begun, rest: chunks };
    }
  } catch (error) {
    return { kind: 'broken', error };
  }
  const [only] = begun;
  return { kind: 'whole', body: begun.length === 1 && only ? only : Buffer.concat(begun) };
}

export interface Streamed {
  readonly end: 'complete' | 'client_gone' | 'broken';
  readonly bytes: number;
  readonly error?: unknown;
}

/** Hands chunks to the client as fast as it takes them; complete means taken by its socket. */
export async function streamTo(
  response: ServerResponse,
  begun: readonly Buffer[],
  rest: Chunks,
): Promise<Streamed> {
  const gone = closed(response);
  let bytes = 0;
  const write = async (chunk: Buffer): Promise<boolean> => {
    if (response.destroyed) return false;
    bytes += chunk.length;
    if (response.write(chunk)) return true;
    return (await Promise.race([drained(response), gone])) === 'drained';
  };
  for (const chunk of begun) {
    if (!(await write(chunk))) return clientGone(rest, bytes);
  }
  try {
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      if (!(await write(next.value))) return clientGone(rest, bytes);
    }
  } catch (error) {
    const end = response.destroyed ? 'client_gone' : 'broken';
    // The client must not take half a page for a whole one.
    response.destroy();
    return { end, bytes, error };
  }
  response.end();
  const end = (await Promise.race([finished(response), gone])) === 'finished';
  return { end: end ? 'complete' : 'client_gone', bytes };
}

async function clientGone(rest: Chunks, bytes: number): Promise<Streamed> {
  await rest.return?.().catch(() => undefined);
  return { end: 'client_gone', bytes };
}

function drained(response: ServerResponse): Promise<'drained'> {
  return new Promise((resolve) => response.once('drain', () => resolve('drained')));
}

function finished(response: ServerResponse): Promise<'finished'> {
  if (response.writableFinished) return Promise.resolve('finished');
  return new Promise((resolve) => response.once('finish', () => resolve('finished')));
}

function closed(response: ServerResponse): Promise<'closed'> {
  if (response.closed) return Promise.resolve('closed');
  return new Promise((resolve) => response.once('close', () => resolve('closed')));
}
