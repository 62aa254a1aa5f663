import { unexpectedAnswer, unreachable } from './api-error.js';
import type { Narrow } from './narrow.js';
import { type Call, send } from './request.js';

/** One server-sent event: its name and its data lines joined (WHATWG HTML, section 9.2.6). */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** A live revenue event is a few kB; a stream that never ends a block is cut at this. */
const blockCharsMax = 1_000_000;

/**
 * Splits a text into the complete events in it and the rest that waits for more. Comments, ids and
 * retry hints are passed over: the console starts a broken stream anew and is told the whole state.
 */
export function splitEvents(buffered: string): {
  readonly events: readonly ServerSentEvent[];
  readonly rest: string;
} {
  // A CR at the very end may be half of a CRLF: it waits.
  const settled = buffered.endsWith('\r') ? buffered.slice(0, -1) : buffered;
  const blocks = settled.replace(/\r\n?/g, '\n').split('\n\n');
  const rest = (blocks.pop() ?? '') + buffered.slice(settled.length);
  return { events: blocks.flatMap(eventOf), rest };
}

function eventOf(block: string): readonly ServerSentEvent[] {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
  }
  return data.length === 0 ? [] : [{ event, data: data.join('\n') }];
}

/** The API repeats its state every 15 s at least; three of them missed is a stream gone silent. */
const silenceMsMax = 45_000;

/**
 * Follows a stream until it ends or the caller aborts. `fetch` and not `EventSource`, because
 * only `fetch` can carry the bearer token in a header, and a token must not stand in a URL.
 */
export async function follow<T>(
  call: Call,
  path: string,
  name: string,
  narrow: Narrow<T>,
  onEvent: (answer: T) => void,
): Promise<void> {
  const response = await send(call, path, { method: 'GET' });
  if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) {
    throw unexpectedAnswer('the answer is no event stream', response.status);
  }
  if (response.body === null) throw unexpectedAnswer('the stream has no body', response.status);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = '';
  for (;;) {
    const { done, value } = await readInTime(reader).catch((cause: unknown) => {
      throw unreachable(cause);
    });
    if (done) return;
    const { events, rest } = splitEvents(buffered + value);
    if (rest.length > blockCharsMax) throw unexpectedAnswer('an event has no end', 200);
    buffered = rest;
    for (const { event, data } of events) {
      if (event === name) onEvent(narrow(parsed(data), 'event'));
    }
  }
}

/** A connection that is gone without a word would else look alive for ever. */
async function readInTime(reader: ReadableStreamDefaultReader<string>) {
  const timer = setTimeout(() => void reader.cancel(), silenceMsMax);
  try {
    return await reader.read();
  } finally {
    clearTimeout(timer);
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw unexpectedAnswer('an event is not JSON', 200);
  }
}
