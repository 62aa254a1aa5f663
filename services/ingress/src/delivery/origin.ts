import type { IncomingMessage } from 'node:http';
import { type Dispatcher, Pool } from 'undici';

/** What went wrong before the headers of the origin came. */
export type OriginFault = 'origin_unreachable' | 'origin_timeout' | 'client_disconnected';

export type OriginAnswer =
  | { readonly kind: 'answered'; readonly answer: Dispatcher.ResponseData }
  | { readonly kind: 'failed'; readonly outcome: OriginFault };

export interface OriginRequest {
  /** Scheme and authority out of the registry; nothing else is ever asked. */
  readonly origin: string;
  readonly method: string;
  readonly path: string;
  readonly headers: string[];
  readonly body: IncomingMessage | null;
  readonly signal: AbortSignal;
}

export interface Origins {
  open(request: OriginRequest): Promise<OriginAnswer>;
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
    async open({ origin, method, path, headers, body, signal }) {
      try {
        const request = { method: method as Dispatcher.HttpMethod, path, headers, body, signal };
        return { kind: 'answered', answer: await poolOf(origin).request(request) };
      } catch (error) {
        return { kind: 'failed', outcome: faultOf(error, signal) };
      }
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}

const timeouts = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

export function faultOf(error: unknown, signal: AbortSignal): OriginFault {
  if (signal.aborted) return 'client_disconnected';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && timeouts.has(code) ? 'origin_timeout' : 'origin_unreachable';
}
