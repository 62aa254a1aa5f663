import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Telemetry } from './telemetry.js';

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const pathLengthMax = 200;

export interface TracedRequest {
  readonly method: string;
  readonly target: string;
  readonly traceparent: string | undefined;
}

export interface OpenRequestSpan {
  /** For what the request causes. */
  readonly trace: string;
  end(status: number, isComplete: boolean): void;
}

/**
 * Opens the span of a request, to be ended when its answer is out. Never the query, a header or an
 * address: they may hold what is secret.
 */
export function beginRequestSpan(
  telemetry: Telemetry,
  service: string,
  { method, target, traceparent }: TracedRequest,
): OpenRequestSpan | undefined {
  const shown = methods.has(method) ? method : '_OTHER';
  const span = telemetry.request({
    service,
    name: `${service} ${shown}`,
    incoming: traceparent,
    attributes: { 'http.request.method': shown, 'url.path': pathOf(target) },
  });
  if (span === undefined) return undefined;
  return {
    trace: span.trace,
    end: (status, isComplete) => span.end(status, { 'paycrawl.is_complete': isComplete }),
  };
}

/** The same for a request of `node:http`; returns the traceparent for what it causes. */
export function traceRequest(
  telemetry: Telemetry,
  service: string,
  request: IncomingMessage,
  response: ServerResponse,
): string | undefined {
  const { method = '', url: target = '', headers } = request;
  const traceparent = typeof headers.traceparent === 'string' ? headers.traceparent : undefined;
  const span = beginRequestSpan(telemetry, service, { method, target, traceparent });
  response.once('close', () => span?.end(response.statusCode, response.writableFinished));
  return span?.trace;
}

/** A target in absolute form may hold a password: it is not shown. */
function pathOf(target: string): string {
  if (!target.startsWith('/')) return '';
  return target.slice(0, pathLengthMax).split('?', 1)[0] ?? '';
}
