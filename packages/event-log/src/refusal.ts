import { hasCode, type PaycrawlError } from '@paycrawl/errors/paycrawl-error';

/** The log is there and will not have this process: only another setting helps. */
export function isRefusal(error: unknown): error is PaycrawlError {
  return hasCode(error, 'log_login_refused') || hasCode(error, 'log_tls_failed');
}
