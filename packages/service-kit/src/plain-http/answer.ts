import { catalogue, type ErrorCode } from '@paycrawl/errors/catalogue';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { problemContentType, problemOf } from '@paycrawl/errors/problem';

export type AnswerHeaders = Readonly<Record<string, string | string[]>>;

/** A complete answer of our own, or of the origin when it was buffered. */
export interface Answer {
  readonly status: number;
  readonly headers: AnswerHeaders;
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

export function isBodyless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}

/** Name, value, name, value of an answer whose body is here, with its length. */
export function linesOf(
  method: string,
  { status, headers, body }: Answer,
  bodyBytes = bytesOf(body),
): (string | string[])[] {
  const isWithout = isBodyless(method, status);
  // A list: copying the object to add the length would cost more than writing it out.
  const lines: (string | string[])[] = [];
  for (const name of Object.keys(headers)) {
    if (isWithout || name !== 'content-length') lines.push(name, headers[name] ?? '');
  }
  // HEAD and 304 tell the length of what GET would bring, where the origin told it.
  if (!isWithout) {
    lines.push('content-length', String(bodyBytes));
  }
  return lines;
}

export function bytesOf(body: Buffer | string): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length;
}
