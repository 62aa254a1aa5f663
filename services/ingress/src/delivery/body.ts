import type { ServerResponse } from 'node:http';

export type Chunks = AsyncIterator<Buffer>;

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
