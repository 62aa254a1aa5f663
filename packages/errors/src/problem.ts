import { catalogue, type ErrorCode } from './catalogue.js';
import { PaycrawlError } from './paycrawl-error.js';

/** RFC 9457 problem details with our code; the only error body that people see. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail?: string;
}

export const problemContentType = 'application/problem+json';

export function problemOf(error: unknown): Problem {
  const code: ErrorCode = error instanceof PaycrawlError ? error.code : 'internal';
  const { status, title } = catalogue[code];
  const detail = error instanceof PaycrawlError ? { detail: error.detail } : {};
  return { type: `/errors/${code}`, title, status, code, ...detail };
}
