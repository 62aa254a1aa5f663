import { catalogue, type ErrorCode } from './catalogue.js';

/** The one error type: a code from the catalogue, a public detail, a private cause and context. */
export class PaycrawlError extends Error {
  override readonly name = 'PaycrawlError';
  readonly code: ErrorCode;
  readonly detail: string;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, detail: string, options: FailOptions = {}) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = detail;
    this.context = options.context ?? {};
  }

  get status(): number {
    return catalogue[this.code].status;
  }

  get retryable(): boolean {
    return catalogue[this.code].retryable;
  }
}

export interface FailOptions {
  readonly cause?: unknown;
  /** For operators only; never shown to a client. */
  readonly context?: Readonly<Record<string, unknown>>;
}

/** Makes the error; `detail` may be shown to the client, so it names no internals. */
export function fail(code: ErrorCode, detail: string, options?: FailOptions): PaycrawlError {
  return new PaycrawlError(code, detail, options);
}

export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof PaycrawlError && error.code === code;
}

/** For whoever ran a command: what happened, and what a person can do about it. */
export function explained(error: unknown): string {
  if (!(error instanceof PaycrawlError)) return String(error);
  return `${error.message}\n${catalogue[error.code].next}`;
}
