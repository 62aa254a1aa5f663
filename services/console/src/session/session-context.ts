import { createContext, useContext } from 'react';
import type { Session } from '../api/answers.js';
import { ApiError } from '../api/api-error.js';

export interface SignedIn {
  readonly token: string;
  readonly session: Session;
  readonly signOut: () => void;
}

export const SessionContext = createContext<SignedIn | null>(null);

/** Only pages below the sign-in gate ask; above it there is no session. */
export function useSignedIn(): SignedIn {
  const signedIn = useContext(SessionContext);
  if (signedIn === null) {
    throw new ApiError({ code: 'console_failed', title: 'No session here', status: 0 });
  }
  return signedIn;
}
