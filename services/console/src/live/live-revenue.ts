import type { Live } from '../api/answers.js';
import { type ApiError, apiErrorOf, isRetryable } from '../api/api-error.js';

/**
 * What the page knows of the live stream. `live` is kept through a break, and then shown with a
 * word that it is old; `stopped` means that asking again would not help.
 */
export type LiveRevenue =
  | { readonly status: 'connecting' }
  | { readonly status: 'live'; readonly live: Live }
  | { readonly status: 'broken'; readonly live: Live | null; readonly problem: ApiError }
  | { readonly status: 'stopped'; readonly problem: ApiError };

export const connecting: LiveRevenue = { status: 'connecting' };

export function liveOf(state: LiveRevenue): Live | null {
  if (state.status === 'live' || state.status === 'broken') return state.live;
  return null;
}

export function afterBreak(state: LiveRevenue, cause: unknown): LiveRevenue {
  const problem = apiErrorOf(cause);
  if (!isRetryable(problem)) return { status: 'stopped', problem };
  return { status: 'broken', live: liveOf(state), problem };
}

const waitMsMin = 1_000;
/** A publisher who looks at a page that stood still for longer would reload it anyway. */
const waitMsMax = 15_000;

/** Doubles from one second; `breaks` counts those in a row without an event between them. */
export function waitMsAfter(breaks: number): number {
  return Math.min(waitMsMax, waitMsMin * 2 ** Math.max(0, breaks - 1));
}
