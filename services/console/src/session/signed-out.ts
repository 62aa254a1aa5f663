import { ApiError } from '../api/api-error.js';

/** Fired on any 401, wherever it came from; the gate answers by asking for a token again. */
export const signedOutByApi = new EventTarget();

export function signOutOn401(cause: unknown): void {
  if (cause instanceof ApiError && cause.status === 401) {
    signedOutByApi.dispatchEvent(new Event('signed-out'));
  }
}
