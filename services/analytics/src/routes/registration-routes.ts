import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { requireOperator } from '../access/authorize.js';
import { registerPublisher } from '../registry/register-publisher.js';
import type { ApiContext } from './context.js';
import { PublisherAnswer, PublisherPut } from './registration-types.js';
import { routeSchema } from './schemas.js';

const NewPublisherId = Type.Object({
  id: Type.String({
    pattern: '^[a-z0-9][a-z0-9._-]{0,99}$',
    description: 'chosen by the operator; for ever the name of this publisher in the log',
  }),
});

/** What an operator puts into the registry. */
export function registerRegistrationRoutes(app: FastifyInstance, context: ApiContext): void {
  app.put<{ Params: Static<typeof NewPublisherId>; Body: PublisherPut }>(
    '/v1/publishers/:id',
    {
      schema: routeSchema({
        summary: 'Registers a publisher or replaces what is registered (operators)',
        params: NewPublisherId,
        body: PublisherPut,
        answer: PublisherAnswer,
      }),
      // Before the body is looked at: who may not do this learns nothing about it.
      preValidation: async (request) => requireOperator(request),
    },
    async (request): Promise<PublisherAnswer> => {
      const publisher = { publisherId: request.params.id, ...request.body };
      const nowMs = context.clock();
      const { publisherId: id, ...rest } = await registerPublisher(context, { publisher, nowMs });
      return { id, ...rest };
    },
  );
}
