import { ApiError, unexpectedAnswer, unreachable } from './api-error.js';
import { isRecord, type Narrow } from './narrow.js';

/** One request to the API of the same origin; the token goes in the header and nowhere else. */
export interface Call {
  readonly token: string;
  readonly signal?: AbortSignal | undefined;
}

export async function get<T>(call: Call, path: string, narrow: Narrow<T>): Promise<T> {
  return answerOf(await send(call, path, { method: 'GET' }), narrow);
}

export async function put<T>(
  call: Call,
  path: string,
  body: unknown,
  narrow: Narrow<T>,
): Promise<T> {
  const init = { method: 'PUT', body: JSON.stringify(body) };
  return answerOf(await send(call, path, init), narrow);
}

/** A path with its query; members that are empty or undefined are left out. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | undefined>>,
): string {
  const given = Object.entries(query).flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : [[key, value]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

/** Sends and turns everything but a 2xx into an ApiError. */
export async function send(call: Call, path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers({ accept: 'application/json' });
  headers.set('authorization', `Bearer ${call.token}`);
  if (init.body !== undefined) headers.set('content-type', 'application/json');
  const response = await fetch(path, {
    ...init,
    headers,
    credentials: 'omit',
    cache: 'no-store',
    signal: call.signal ?? null,
  }).catch((cause: unknown) => {
    // An abort is the page's own wish and no failure of the API.
    if (call.signal?.aborted) throw cause;
    throw unreachable(cause);
  });
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function answerOf<T>(response: Response, narrow: Narrow<T>): Promise<T> {
  const body: unknown = await response.json().catch(() => {
    throw unexpectedAnswer('the body is not JSON', response.status);
  });
  return narrow(body, 'answer');
}

/** RFC 9457 where the API wrote it; a bare status where something in between answered. */
async function problemOf(response: Response): Promise<ApiError> {
  const { status } = response;
  const body: unknown = await response.json().catch(() => undefined);
  if (isRecord(body) && typeof body.code === 'string') {
    const title = typeof body.title === 'string' ? body.title : body.code;
    const detail = typeof body.detail === 'string' ? body.detail : undefined;
    return new ApiError({ code: body.code, title, status, detail });
  }
  return new ApiError({ code: `http_${status}`, title: `The API answered ${status}`, status });
}
