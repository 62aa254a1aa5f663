import { type CatalogueEntry, catalogue } from '@paycrawl/errors/catalogue';

/**
 * What a request to the API came to when it did not come to an answer. `code` is a string and not
 * the catalogue's union, because a newer API may speak codes that this build does not know.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly title: string;
  readonly detail: string | undefined;
  /** HTTP status; 0 where no answer came. */
  readonly status: number;

  constructor(problem: ProblemFacts, cause?: unknown) {
    super(`${problem.code}: ${problem.detail ?? problem.title}`, { cause });
    this.code = problem.code;
    this.title = problem.title;
    this.detail = problem.detail;
    this.status = problem.status;
  }
}

export interface ProblemFacts {
  readonly code: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string | undefined;
}

const known: Readonly<Record<string, CatalogueEntry>> = catalogue;

export function unreachable(cause: unknown): ApiError {
  const { title } = catalogue.console_unreachable;
  return new ApiError({ code: 'console_unreachable', title, status: 0 }, cause);
}

export function unexpectedAnswer(detail: string, status: number): ApiError {
  const { title } = catalogue.console_answer_unexpected;
  return new ApiError({ code: 'console_answer_unexpected', title, status, detail });
}

/** Anything that reaches an error state, as an ApiError: a defect of the page is one too. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const { title } = catalogue.console_failed;
  const detail = error instanceof Error ? error.message : undefined;
  return new ApiError({ code: 'console_failed', title, status: 0, detail }, error);
}

/** What the reader does next: the catalogue's word where it has one, else by the HTTP status. */
export function nextStepOf(error: ApiError): string {
  if (error.status === 401) return 'Sign in again with a token that is still valid.';
  const entry = known[error.code];
  if (entry !== undefined) return entry.next;
  if (error.status === 403) return 'Sign in with the token of the publisher it belongs to.';
  if (error.status === 404) return 'Check the address, or go back to the list and choose again.';
  if (error.status === 409) return 'Somebody changed it meanwhile. Load it again, then repeat.';
  if (error.status >= 400 && error.status < 500) return 'Correct what you entered and try again.';
  return 'Try again in a moment. If it stays, give the code to whoever runs the platform.';
}

/** Whether the same request may succeed later, so that asking again is worth it. */
export function isRetryable(error: ApiError): boolean {
  return known[error.code]?.retryable ?? (error.status >= 500 || error.status === 429);
}
