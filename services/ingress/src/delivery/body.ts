import type { Writable } from 'node:stream';

export type Chunks = AsyncIterator<Buffer>;

export interface Streamed {
  readonly end: 'complete' | 'client_gone' | 'broken';
  readonly bytes: number;
  readonly error?: unknown;
}

/** Hands chunks to the client as fast as it takes them; complete means taken by its socket. */
export async function streamTo(
  client: Writable,
  begun: readonly Buffer[],
  rest: Chunks,
): Promise<Streamed> {
  const gone = closed(client);
  let bytes = 0;
  const write = async (chunk: Buffer): Promise<boolean> => {
    if (client.destroyed) return false;
    bytes += chunk.length;
    if (client.write(chunk)) return true;
    return (await Promise.race([drained(client), gone])) === 'drained';
  };
  for (const chunk of begun) {
    if (!(await write(chunk))) return clientGone(rest, bytes);
  }
  try {
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      if (!(await write(next.value))) return clientGone(rest, bytes);
    }
  } catch (error) {
    const end = client.destroyed ? 'client_gone' : 'broken';
    // The client must not take half a page for a whole one.
    client.destroy();
    return { end, bytes, error };
  }
  client.end();
  const end = (await Promise.race([finished(client), gone])) === 'finished';
  return { end: end ? 'complete' : 'client_gone', bytes };
}

async function clientGone(rest: Chunks, bytes: number): Promise<Streamed> {
  await rest.return?.().catch(() => undefined);
  return { end: 'client_gone', bytes };
}

function drained(client: Writable): Promise<'drained'> {
  return new Promise((resolve) => client.once('drain', () => resolve('drained')));
}

function finished(client: Writable): Promise<'finished'> {
  if (client.writableFinished) return Promise.resolve('finished');
  return new Promise((resolve) => client.once('finish', () => resolve('finished')));
}

function closed(client: Writable): Promise<'closed'> {
  if (client.closed) return Promise.resolve('closed');
  return new Promise((resolve) => client.once('close', () => resolve('closed')));
}
