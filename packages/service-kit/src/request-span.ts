import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Telemetry } from './telemetry.js';

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const pathLengthMax = 200;

/**
 * Opens the span of a request and ends it when its answer is out; returns the traceparent for what
 * the request causes. Never the query, a header or an address: they may hold what is secret.
 */
export function traceRequest(
  telemetry: Telemetry,
  service: string,
  request: IncomingMessage,
  response: ServerResponse,
): string | undefined {
  const method = methods.has(request.method ?? '') ? (request.method as string) : '_OTHER';
  const { traceparent } = request.headers;
  const span = telemetry.request({
    service,
    name: `${service} ${method}`,
    incoming: typeof traceparent === 'string' ? traceparent : undefined,
    attributes: { 'http.request.method': method, 'url.path': pathOf(request.url ?? '') },
  });
  if (span === undefined) return undefined;
  response.once('close', () => {
    span.end(response.statusCode, { 'paycrawl.is_complete': response.writableFinished });
  });
  return span.trace;
}

/** A target in absolute form may hold a password: it is not shown. */
function pathOf(target: string): string {
  if (!target.startsWith('/')) return '';
  return target.slice(0, pathLengthMax).split('?', 1)[0] ?? '';
}
