import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import { problemContentType, problemOf } from '@paycrawl/errors/problem';
import {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyServerOptions,
  fastify,
  LogController,
} from 'fastify';
import type { Health, HealthReport } from './health.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';
import type { Answer } from './plain-http/answer.js';

export interface HttpOptions {
  readonly logger: Logger;
  /** Anything else that the service asks of Fastify (body limit, router options). */
  readonly fastify?: FastifyServerOptions;
}

/** A Fastify app whose every error leaves as an RFC 9457 problem with a code of the catalogue. */
export function createHttp(options: HttpOptions): FastifyInstance {
  const app = fastify({
    // One line per request is more than the request costs; errors are logged below.
    logController: new LogController({ disableRequestLogging: true }),
    ...options.fastify,
    loggerInstance: options.logger as FastifyBaseLogger,
    // A logger for each request costs more than a request says; its id stands in the line below.
    childLoggerFactory: (logger) => logger,
  });
  app.setErrorHandler((error, request, reply) => {
    const known = knownError(error);
    if (known.status >= 500) {
      request.log.error({ reqId: request.id, err: error, code: known.code }, 'request failed');
    }
    return sendProblem(reply, known);
  });
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, fail('route_not_found', 'Nothing is served at this address.')),
  );
  return app;
}

/** What the app would answer to a request that failed, for one that was read past it. */
export function failureAnswer(error: unknown, logger: Logger): Answer {
  const known = knownError(error);
  const { status, code } = known;
  if (status >= 500) logger.error({ err: error, code }, 'request failed');
  return { status, headers: problemHeaders(known), body: JSON.stringify(problemOf(known)) };
}

/** Answers with the problem. */
function sendProblem(reply: FastifyReply, error: PaycrawlError): FastifyReply {
  return reply.code(error.status).headers(problemHeaders(error)).send(problemOf(error));
}

/** 503 always says when to come back. */
function problemHeaders(error: PaycrawlError): Record<string, string> {
  const headers = {
    'cache-control': 'no-store',
    'content-type': `${problemContentType}; charset=utf-8`,
  };
  if (error.status !== 503) return headers;
  return { 'retry-after': String(retryAfterSeconds(error)), ...headers };
}

export interface OperationsOptions {
  readonly health: Health;
  readonly metrics: Metrics;
}

/** `/livez`, `/readyz` and `/metrics`: the same on every service. */
export function registerOperations(app: FastifyInstance, options: OperationsOptions): void {
  app.get('/livez', async (_request, reply) => sendReport(reply, await options.health.live()));
  app.get('/readyz', async (_request, reply) => sendReport(reply, await options.health.ready()));
  app.get('/metrics', async (_request, reply) => {
    const text = await options.metrics.render();
    return reply.type(options.metrics.registry.contentType).send(text);
  });
}

export interface ListenOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
}

/** Listens and returns the origin that was really bound, `http://127.0.0.1:41234`. */
export async function listen(app: FastifyInstance, options: ListenOptions): Promise<string> {
  await app.listen({ host: options.host, port: options.port });
  const address = app.server.address();
  if (address === null || typeof address === 'string') {
    throw fail('internal', 'The server has no TCP address.');
  }
  const isAny = address.address === '0.0.0.0' || address.address === '::';
  const host = isAny ? '127.0.0.1' : address.address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}

function sendReport(reply: FastifyReply, report: HealthReport): FastifyReply {
  return reply
    .code(report.status === 'ok' ? 200 : 503)
    .header('cache-control', 'no-store')
    .send(report);
}

function retryAfterSeconds(error: PaycrawlError): number {
  const { retryAfterMs } = error.context;
  return typeof retryAfterMs === 'number' ? Math.max(1, Math.ceil(retryAfterMs / 1000)) : 1;
}

/** Fastify's own refusals become ours; everything unknown is `internal` and tells nothing. */
function knownError(error: unknown): PaycrawlError {
  if (error instanceof PaycrawlError) return error;
  const { validation, statusCode, message } = error as Partial<FastifyError>;
  if (validation !== undefined) return fail('request_invalid', message ?? '', { cause: error });
  if (statusCode === 413) return fail('body_too_large', 'The body is too large.', { cause: error });
  if (statusCode === 415) {
    return fail('media_type_unsupported', 'Send application/json.', { cause: error });
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return fail('request_invalid', message ?? 'The request is not valid.', { cause: error });
  }
  return fail('internal', 'Something went wrong on our side.', { cause: error });
}
