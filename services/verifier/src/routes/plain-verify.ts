import type { VerifyAnswer } from '@paycrawl/protocol/facilitator';
import { failureAnswer } from '@paycrawl/service-kit/http';
import type { Logger } from '@paycrawl/service-kit/logger';
import type { PlainExchange } from '@paycrawl/service-kit/plain-http/plain-exchange';
import { headerOf, type PlainHead } from '@paycrawl/service-kit/plain-http/plain-head';
import { beginRequestSpan } from '@paycrawl/service-kit/request-span';
import type { Telemetry } from '@paycrawl/service-kit/telemetry';
import type { AnswerVerify } from './facilitator.js';

/** `POST /verify` as resource servers send it: read and answered past Fastify, in the same bytes. */

export interface PlainVerifyOptions {
  readonly answerVerify: AnswerVerify;
  readonly logger: Logger;
  /** Undefined: nothing is traced. */
  readonly telemetry?: Telemetry | undefined;
}

const contentTypes = new Set(['application/json', 'application/json; charset=utf-8']);

export function takesVerify(bodyBytesMax: number): (head: PlainHead) => boolean {
  return ({ method, target, bodyBytes, headers }) => {
    if (method !== 'POST' || target !== '/verify' || bodyBytes > bodyBytesMax) return false;
    return contentTypes.has(headerOf(headers, 'content-type') ?? '');
  };
}

/** False for a body that is not plainly JSON: what is wrong with it Fastify says. */
export function onPlainVerify(options: PlainVerifyOptions): (exchange: PlainExchange) => boolean {
  return (exchange) => {
    const body = readBody(exchange.content);
    if (body === undefined) return false;
    void respond(exchange, body, options);
    return true;
  };
}

/** Undefined also for names that Fastify's parser refuses, and for whatever may spell them. */
function readBody(content: Buffer): unknown {
  const text = content.toString();
  if (text.includes('__proto__') || text.includes('constructor"') || text.includes('\\u')) {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function respond(
  exchange: PlainExchange,
  body: unknown,
  { answerVerify, logger, telemetry }: PlainVerifyOptions,
): Promise<void> {
  try {
    const credentials = {
      authorization: exchange.header('authorization'),
      'x-api-key': exchange.header('x-api-key'),
    };
    const trace = () => telemetry && traced(telemetry, exchange);
    const answer = await answerVerify(body, credentials, trace);
    exchange.answer({ status: 200, headers, body: textOf(answer) });
  } catch (error) {
    exchange.answer(failureAnswer(error, logger));
  }
}

/** As Fastify writes them. */
const headers = {
  'cache-control': 'no-store',
  'content-type': 'application/json; charset=utf-8',
};

function textOf(answer: VerifyAnswer): string {
  return answer.isValid ? `{"isValid":true,"payer":"${answer.payer}"}` : JSON.stringify(answer);
}

function traced(telemetry: Telemetry, exchange: PlainExchange): string | undefined {
  const { method, target } = exchange;
  const traceparent = exchange.header('traceparent');
  const span = beginRequestSpan(telemetry, 'facilitator', { method, target, traceparent });
  if (span === undefined) return undefined;
  exchange.onEnd((isComplete, status) => span.end(status, isComplete));
  return span.trace;
}
