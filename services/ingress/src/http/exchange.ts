import type { IncomingMessage, ServerResponse } from 'node:http';

/** One request and the answer that is owed for it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Whether the client still listens. */
export function isOpen({ response }: Exchange): boolean {
  return !response.destroyed && !response.closed;
}
