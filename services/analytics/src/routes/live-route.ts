import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import type { Live } from './api-types.js';
import { type ApiContext, readablePublisher } from './context.js';

const PublisherId = Type.Object({ id: Type.String({ minLength: 1, maxLength: 200 }) });

/** Bytes that a reader may leave unread before it is cut off; it comes back by itself. */
const unreadBytesMax = 1_000_000;

/** Server-sent events, `event: revenue`; to be read with `fetch`, which can carry the token. */
export function registerLiveRoute(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Params: Static<typeof PublisherId> }>(
    '/v1/publishers/:id/live',
    {
      schema: {
        summary: 'Revenue now, as server-sent events (`event: revenue`, data: Live)',
        params: PublisherId,
        security: [{ bearer: [] }],
        response: {
          200: {
            description: 'A stream that stays open',
            content: { 'text/event-stream': { schema: { type: 'string' } } },
          },
        },
      },
    },
    (request, reply) => {
      const { id } = readablePublisher(context, request, request.params.id);
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      raw.write('retry: 2000\n\n');
      const end = context.live.subscribe(id, (live: Live) => {
        raw.write(`event: revenue\ndata: ${JSON.stringify(live)}\n\n`);
        if (raw.writableLength > unreadBytesMax) raw.destroy();
      });
      raw.once('close', end);
    },
  );
}
