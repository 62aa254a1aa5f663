import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import * as Recorded from './recorded-answers.js';

/**
 * The built console and answers in the API's form, for what a browser test needs to see: a
 * publisher with much, one with nothing, one whose answers never come, one whose API is broken,
 * one whose answers lack figures, and the 403 between publishers. It is not the API: whether both
 * agree is shown end to end against the running platform.
 */
export interface ConsoleFixture {
  readonly url: string;
  readonly close: () => Promise<void>;
  /** Bodies of the price books that were put, newest last. */
  readonly puts: readonly unknown[];
  /** Sends one more live event to every open stream. */
  readonly pushLive: (chargedToday: string) => void;
  /** Cuts every open stream in the middle. */
  readonly breakLive: () => void;
}

export const publisherToken = 'token-of-the-gazette';
export const operatorToken = 'token-of-the-operator';
/** The publisher that `publisherToken` may read. */
export const ownPublisher = 'gazette';

/** As the platform serves the console with: nothing from elsewhere, no script in the page. */
const contentSecurityPolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'";

/** `root` is the folder of a build of the console. */
export async function startConsoleFixture(root: string): Promise<ConsoleFixture> {
  const app = fastify({ forceCloseConnections: true });
  const puts: unknown[] = [];
  const streams = new Set<FastifyReply>();
  await app.register(fastifyStatic, { root });
  app.addHook('onSend', async (_request, reply) => {
    reply.header('content-security-policy', contentSecurityPolicy);
  });
  app.setNotFoundHandler((request, reply) =>
    request.url.startsWith('/v1/')
      ? problem(reply, 404, 'route_not_found', 'Nothing is served at this address')
      : reply.sendFile('index.html'),
  );
  addGuards(app);
  addReads(app);
  addLive(app, streams);
  addPriceBook(app, puts);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    puts,
    close: () => app.close(),
    pushLive: (chargedToday) => {
      for (const reply of streams) writeLive(reply, chargedToday);
    },
    breakLive: () => {
      for (const reply of streams) reply.raw.destroy();
    },
  };
}

function problem(reply: FastifyReply, status: number, code: string, title: string, detail = '') {
  const body = { type: `/errors/${code}`, title, status, code, detail };
  return reply.code(status).type('application/problem+json').send(JSON.stringify(body));
}

function roleOf(authorization: string | undefined): 'publisher' | 'operator' | null {
  if (authorization === `Bearer ${publisherToken}`) return 'publisher';
  return authorization === `Bearer ${operatorToken}` ? 'operator' : null;
}

/** Who may read what, and the publishers that are there to fail. */
function addGuards(app: FastifyInstance): void {
  app.addHook<{ Params: { publisher?: string } }>('preHandler', async (request, reply) => {
    if (!request.url.startsWith('/v1/')) return;
    const role = roleOf(request.headers.authorization);
    if (role === null) {
      return problem(reply, 401, 'token_invalid', 'No token, or one that is not known');
    }
    const { publisher } = request.params;
    if (publisher === undefined) return;
    if (role === 'publisher' && publisher !== ownPublisher) {
      const detail = 'This token belongs to another publisher.';
      return problem(reply, 403, 'forbidden', 'Not allowed', detail);
    }
    if (publisher === 'broken') {
      return problem(reply, 503, 'warehouse_locked', 'Another process has the warehouse open');
    }
    if (publisher === 'slow') await new Promise(() => undefined);
    if (publisher === 'garbled') return reply.send({ publisher, total: {}, rows: null });
  });
}

interface Named {
  Params: { publisher: string };
  Querystring: Record<string, string>;
}

function addReads(app: FastifyInstance): void {
  app.get('/v1/session', (request) => Recorded.session(roleOf(request.headers.authorization)));
  app.get('/v1/publishers', () => Recorded.publishers);
  app.get<Named>('/v1/publishers/:publisher/revenue', ({ params, query }) =>
    Recorded.revenue(params.publisher, query.by ?? 'day', query.from ?? '', Date.now()),
  );
  app.get<Named>('/v1/publishers/:publisher/crawls', ({ params, query }) =>
    Recorded.crawls(params.publisher, query),
  );
  app.get<{ Params: { id: string } }>('/v1/crawls/:id', ({ params }, reply) => {
    const detail = Recorded.crawlDetail(params.id);
    return detail ?? problem(reply, 404, 'crawl_not_found', 'No such crawl');
  });
  app.get<Named>('/v1/settlements', (request) =>
    Recorded.settlements(roleOf(request.headers.authorization) === 'operator', request.query),
  );
  app.get('/v1/settlements/:id', (request) =>
    Recorded.settlementDetail(roleOf(request.headers.authorization) === 'operator'),
  );
  app.get('/v1/reconciliation', () => Recorded.reconciliation);
}

function addLive(app: FastifyInstance, streams: Set<FastifyReply>): void {
  app.get<Named>('/v1/publishers/:publisher/live', ({ params }, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
    streams.add(reply);
    reply.raw.on('close', () => streams.delete(reply));
    writeLive(reply, params.publisher === 'quiet' ? '' : '1284700');
  });
}

function writeLive(reply: FastifyReply, chargedToday: string): void {
  reply.raw.write(`event: revenue\ndata: ${JSON.stringify(Recorded.live(chargedToday))}\n\n`);
}

function addPriceBook(app: FastifyInstance, puts: unknown[]): void {
  app.get<Named>('/v1/publishers/:publisher/price-book', ({ params }) =>
    Recorded.priceBook(params.publisher),
  );
  app.put<Named>('/v1/publishers/:publisher/price-book', ({ body, params }, reply) => {
    puts.push(body);
    const text = JSON.stringify(body);
    if (text.includes('/mistake')) {
      const detail = '/rules/0/path: not a path pattern';
      return problem(reply, 400, 'price_book_invalid', 'The price book is not valid', detail);
    }
    if (text.includes('/conflict')) {
      const detail = 'The newest version is 8, not 7.';
      return problem(
        reply,
        409,
        'price_book_conflict',
        'The price book was replaced meanwhile',
        detail,
      );
    }
    return { ...Recorded.priceBook(params.publisher), version: 8 };
  });
}
