import { fail } from '@paycrawl/errors/paycrawl-error';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Principal, TokenBook } from './tokens.js';

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | undefined;
  }
}

/** Every route of this scope needs a known token, also those that do not exist. */
export function requireToken(app: FastifyInstance, tokens: TokenBook): void {
  app.decorateRequest('principal', undefined);
  app.addHook('onRequest', async (request) => {
    request.principal = tokens.principalOf(request.headers.authorization);
    if (request.principal === undefined) {
      throw fail('token_invalid', 'Send Authorization: Bearer and a token of this platform');
    }
  });
}

export function principalOf(request: FastifyRequest): Principal {
  const { principal } = request;
  if (principal === undefined) throw fail('token_invalid', 'No token was checked');
  return principal;
}

/** A publisher reaches its own data only; asked before anything is looked up. */
export function requirePublisher(request: FastifyRequest, publisher: string): Principal {
  const principal = principalOf(request);
  if (principal.role === 'publisher' && principal.publisher !== publisher) {
    throw fail('forbidden', 'This token belongs to another publisher');
  }
  return principal;
}

export function requireOperator(request: FastifyRequest): void {
  if (principalOf(request).role !== 'operator') {
    throw fail('forbidden', 'Only operators may see this');
  }
}
