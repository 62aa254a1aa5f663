import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react';
import { type ApiError, apiErrorOf } from '../api/api-error.js';
import { readSession } from '../api/paycrawl-api.js';
import { SignInPage } from '../pages/sign-in-page.js';
import { SessionContext } from './session-context.js';
import { signedOutByApi } from './signed-out.js';
import { forgetToken, storedToken, storeToken } from './token-store.js';

/**
 * Shows the sign-in page in place of whatever the address names, so that the address is still
 * there after signing in. The page only hides; what a token may read is decided in the API.
 */
export function SessionGate(props: { readonly children: ReactNode }) {
  const queries = useQueryClient();
  const [token, setToken] = useState(storedToken);
  const [isExpired, setExpired] = useState(false);
  const session = useQuery({
    queryKey: ['session', token],
    queryFn: ({ signal }) => readSession({ token: token ?? '', signal }),
    enabled: token !== null,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const signOut = useCallback(() => {
    forgetToken();
    setToken(null);
    // Nothing of one session may show in the next.
    queries.clear();
  }, [queries]);
  useEffect(() => {
    const onSignedOut = () => {
      setExpired(true);
      signOut();
    };
    signedOutByApi.addEventListener('signed-out', onSignedOut);
    return () => signedOutByApi.removeEventListener('signed-out', onSignedOut);
  }, [signOut]);
  const { data, error } = session;
  const signedIn = useMemo(
    () => (token === null || data === undefined ? null : { token, session: data, signOut }),
    [token, data, signOut],
  );
  useEffect(() => {
    // Kept only once the API took it, so that a wrong token does not survive a reload.
    if (signedIn !== null) storeToken(signedIn.token);
  }, [signedIn]);

  if (signedIn !== null) {
    return <SessionContext.Provider value={signedIn}>{props.children}</SessionContext.Provider>;
  }
  const problem: ApiError | null = error === null ? null : apiErrorOf(error);
  return (
    <SignInPage
      isChecking={session.isFetching}
      isExpired={isExpired}
      problem={problem}
      onToken={(given) => {
        setExpired(false);
        if (given === token) void session.refetch();
        else setToken(given);
      }}
    />
  );
}
