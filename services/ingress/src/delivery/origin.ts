import type { Readable } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import type { Audience } from './job.js';
import { faultOf, type OriginFault } from './origin-fault.js';
import { type OriginPage, readPage } from './origin-page.js';

export type OriginAnswer =
  | { readonly kind: 'answered'; readonly answer: Dispatcher.ResponseData }
  | { readonly kind: 'failed'; readonly outcome: OriginFault };

export interface OriginRequest {
  /** Scheme and authority out of the registry; nothing else is ever asked. */
  readonly origin: string;
  readonly method: string;
  readonly path: string;
  readonly headers: string[];
  readonly body: Readable | null;
}

export interface Origins {
  /** For what is passed on as it comes. */
  open(request: OriginRequest, signal: AbortSignal): Promise<OriginAnswer>;
  /** For what is held until its outcome is durable, if it is not longer than `bytesMax`. */
  fetch(request: OriginRequest, audience: Audience, bytesMax: number): Promise<OriginPage>;
  close(): Promise<void>;
}

export interface OriginsOptions {
  readonly connectionsMax: number;
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
}

/** One pool of connections per origin; redirects are the client's to follow, through the till. */
export function createOrigins(options: OriginsOptions): Origins {
  const pools = new Map<string, Pool>();
  const poolOf = (origin: string): Pool => {
    const known = pools.get(origin);
    if (known !== undefined) return known;
    const pool = new Pool(origin, {
      connections: options.connectionsMax,
      pipelining: 1,
      headersTimeout: options.headersTimeoutMs,
      bodyTimeout: options.bodyTimeoutMs,
      connect: { timeout: options.connectTimeoutMs },
    });
    pools.set(origin, pool);
    return pool;
  };
  return {
    async open({ origin, method, path, headers, body }, signal) {
      try {
        const request = { method: method as Dispatcher.HttpMethod, path, headers, body, signal };
        return { kind: 'answered', answer: await poolOf(origin).request(request) };
      } catch (error) {
        return { kind: 'failed', outcome: faultOf(error, signal.aborted) };
      }
    },
    fetch({ origin, method, path, headers, body }, audience, bytesMax) {
      const request = { method: method as Dispatcher.HttpMethod, path, headers, body };
      const dispatch = (handler: Dispatcher.DispatchHandler): void =>
        void poolOf(origin).dispatch(request, handler);
      return readPage(dispatch, { method, bytesMax, audience });
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}
