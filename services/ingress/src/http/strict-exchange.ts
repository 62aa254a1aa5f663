import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Answer, isBodyless, linesOf } from '@paycrawl/service-kit/plain-http/answer';
import type { Credit, Exchange } from '@paycrawl/service-kit/plain-http/exchange';
import { hasBody } from './headers.js';

/** A request that `node:http` read. */
export function strictExchange(request: IncomingMessage, response: ServerResponse): Exchange {
  const { method = 'GET', url: target = '', rawHeaders: headers } = request;
  return {
    ...{ method, target, headers },
    remoteAddress: request.socket.remoteAddress ?? '',
    get credit() {
      return creditOf(request.socket);
    },
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

const credits = new WeakMap<Socket, Credit>();

function creditOf(socket: Socket): Credit {
  const known = credits.get(socket);
  if (known !== undefined) return known;
  const fresh = { challenges: 0 };
  credits.set(socket, fresh);
  return fresh;
}

function writeAnswer(response: ServerResponse, method: string, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(answer.status, linesOf(method, answer));
  response.end(isBodyless(method, answer.status) ? undefined : answer.body);
}
