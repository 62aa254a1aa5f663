import { useEffect, useState } from 'react';
import { unreachable } from '../api/api-error.js';
import { followRevenue } from '../api/paycrawl-api.js';
import { useSignedIn } from '../session/session-context.js';
import { signOutOn401 } from '../session/signed-out.js';
import { afterBreak, connecting, type LiveRevenue, waitMsAfter } from './live-revenue.js';

/** Follows a publisher's revenue while the page is open; opens a broken stream again by itself. */
export function useLiveRevenue(publisher: string): LiveRevenue {
  const { token } = useSignedIn();
  const [state, setState] = useState<LiveRevenue>(connecting);
  useEffect(() => {
    const abort = new AbortController();
    const call = { token, signal: abort.signal };
    let state = connecting;
    let breaks = 0;
    let timer: number | undefined;
    const show = (next: LiveRevenue) => {
      state = next;
      setState(next);
    };
    const open = (): void => {
      followRevenue(call, publisher, (live) => {
        breaks = 0;
        show({ status: 'live', live });
      })
        // The server never ends the stream on purpose: an end is a break.
        .then(() => onBreak(unreachable(undefined)), onBreak);
    };
    const onBreak = (cause: unknown): void => {
      if (abort.signal.aborted) return;
      breaks += 1;
      signOutOn401(cause);
      show(afterBreak(state, cause));
      if (state.status === 'broken') timer = window.setTimeout(open, waitMsAfter(breaks));
    };
    show(connecting);
    open();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [token, publisher]);
  return state;
}
