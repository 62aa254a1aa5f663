import type { ServerResponse } from 'node:http';
import { catalogue, type ErrorCode } from '@paycrawl/errors/catalogue';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { problemContentType, problemOf } from '@paycrawl/errors/problem';

/** A complete answer of our own, or of the origin when it was buffered. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer | string;
}

const retryAfterS = '1';

/** An RFC 9457 problem; 503 says when to come back, and nothing of it may be cached. */
export function problemAnswer(code: ErrorCode, detail: string): Answer {
  const status = catalogue[code].status;
  const headers: Record<string, string> = {
    'content-type': problemContentType,
    'cache-control': 'no-store',
  };
  if (status === 503) headers['retry-after'] = retryAfterS;
  return { status, headers, body: JSON.stringify(problemOf(fail(code, detail))) };
}

/** Writes nothing where the client is gone or something was sent already. */
export function writeAnswer(response: ServerResponse, method: string, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  const { status, headers, body } = answer;
  const isBodyless = method === 'HEAD' || status === 204 || status === 304;
  // A list: copying the object to add the length would cost more than writing it out.
  const lines: (string | string[])[] = [];
  for (const name of Object.keys(headers)) {
    if (isBodyless || name !== 'content-length') lines.push(name, headers[name] ?? '');
  }
  // HEAD and 304 tell the length of what GET would bring, where the origin told it.
  if (!isBodyless) {
    const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    lines.push('content-length', String(bytes));
  }
  response.writeHead(status, lines);
  response.end(isBodyless ? undefined : body);
}
