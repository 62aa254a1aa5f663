import type { Readable } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import type { Audience } from './job.js';
import { createOriginClient, type OriginClient } from './origin-client.js';
import { faultOf, type OriginFault } from './origin-fault.js';
import { type OriginPage, type PageHandler, readPage } from './origin-page.js';

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

/**
 * Connections per origin, never more than allowed in each of two pools: paid pages without TLS and
 * without a body are asked for by a client of our own, everything else by undici. Redirects are the
 * client's to follow, through the till.
 */
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
  const clients = new Map<string, OriginClient>();
  const clientOf = (origin: string): OriginClient => {
    const known = clients.get(origin);
    if (known !== undefined) return known;
    const client = createOriginClient(new URL(origin), options);
    clients.set(origin, client);
    return client;
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
      const isBare = body === null && isPlainGet(origin, method);
      const dispatch = (handler: PageHandler): void => {
        if (isBare) clientOf(origin).dispatch(request, handler);
        else poolOf(origin).dispatch(request, undiciHandler(handler));
      };
      return readPage(dispatch, { method, bytesMax, audience });
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      for (const client of clients.values()) client.close();
      pools.clear();
      clients.clear();
    },
  };
}

function isPlainGet(origin: string, method: string): boolean {
  return (method === 'GET' || method === 'HEAD') && origin.startsWith('http://');
}

function undiciHandler(handler: PageHandler): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (controller) => handler.onRequestStart(controller),
    onResponseStart: (_, status, headers) => handler.onResponseStart(status, headers),
    onResponseData: (_, bytes) => handler.onResponseData(bytes),
    onResponseEnd: () => handler.onResponseEnd(),
    onResponseError: (_, error) => handler.onResponseError(error),
  };
}
