import type { Static } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { requireOperator } from '../access/authorize.js';
import { readCursor } from '../read/cursor.js';
import { readDeadLetters } from '../read/dead-letters.js';
import type { ApiContext } from './context.js';
import { DeadLetters, DeadLettersQuery } from './dead-letter-types.js';
import { routeSchema } from './schemas.js';

export function registerDeadLetterRoutes(app: FastifyInstance, { log }: ApiContext): void {
  app.get<{ Querystring: Static<typeof DeadLettersQuery> }>(
    '/v1/dead-letters',
    {
      schema: routeSchema({
        summary: 'Records that were set aside, newest first; each once, whoever set it aside',
        query: DeadLettersQuery,
        answer: DeadLetters,
      }),
    },
    async (request): Promise<DeadLetters> => {
      requireOperator(request);
      const { limit = 50, cursor, ...selection } = request.query;
      const before = cursor === undefined ? {} : { before: readCursor(cursor) };
      return readDeadLetters(log, { ...selection, ...before, limit });
    },
  );
}
