import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, isBodyless, linesOf } from '@paycrawl/service-kit/plain-http/answer';
import type { Exchange } from '@paycrawl/service-kit/plain-http/exchange';
import { hasBody } from './headers.js';

/** A request that `node:http` read. */
export function strictExchange(request: IncomingMessage, response: ServerResponse): Exchange {
  const { method = 'GET', url: target = '', rawHeaders: headers } = request;
  return {
    ...{ method, target, headers },
    remoteAddress: request.socket.remoteAddress ?? '',
    body: hasBody(request.headers) ? request : undefined,
    header(name) {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    isBegun: () => response.headersSent,
    answer: (answer) => writeAnswer(response, method, answer),
    stream: (status, lines) => (response.destroyed ? response : response.writeHead(status, lines)),
    destroy: () => void response.destroy(),
    onEnd(listener) {
      const tell = (): void => {
        listener(response.writableFinished, response.headersSent ? response.statusCode : 0);
      };
      if (response.closed) tell();
      else response.once('close', tell);
    },
  };
}

function writeAnswer(response: ServerResponse, method: string, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(answer.status, linesOf(method, answer));
  response.end(isBodyless(method, answer.status) ? undefined : answer.body);
}
