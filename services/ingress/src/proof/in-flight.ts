import type { Audience, Served } from '../delivery/job.js';
import type { Exchange } from '../http/exchange.js';

/**
 * Proofs that are being served by this ingress. The same proof presented again meanwhile joins:
 * one record, one decision, one origin fetch, and everybody gets the outcome of the first.
 */
export interface InFlight {
  readonly size: () => number;
  /** `serve` runs for the first; the others wait for what it returns. */
  share(
    key: string,
    exchange: Exchange,
    serve: (audience: Audience) => Promise<Served>,
  ): { readonly role: 'owner' | 'joined'; readonly served: Promise<Served> };
}

interface Shared {
  readonly listeners: Set<Exchange>;
  readonly abort: AbortController;
  readonly served: Promise<Served>;
}

export function createInFlight(): InFlight {
  const running = new Map<string, Shared>();
  return {
    size: () => running.size,
    share(key, exchange, serve) {
      const present = running.get(key);
      if (present !== undefined && !present.abort.signal.aborted) {
        listen(present, exchange);
        return { role: 'joined', served: present.served };
      }
      const listeners = new Set<Exchange>();
      const abort = new AbortController();
      const audience: Audience = { signal: abort.signal, isEmpty: () => listeners.size === 0 };
      listen({ listeners, abort }, exchange);
      const served = serve(audience).finally(() => {
        if (running.get(key)?.listeners === listeners) running.delete(key);
      });
      running.set(key, { listeners, abort, served });
      return { role: 'owner', served };
    },
  };
}

function listen({ listeners, abort }: Omit<Shared, 'served'>, exchange: Exchange): void {
  listeners.add(exchange);
  exchange.response.once('close', () => {
    listeners.delete(exchange);
    if (listeners.size === 0) abort.abort();
  });
}
