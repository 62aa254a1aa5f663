import fastifySwagger from '@fastify/swagger';
import type { Health } from '@paycrawl/service-kit/health';
import { createHttp, registerOperations } from '@paycrawl/service-kit/http';
import type { Logger } from '@paycrawl/service-kit/logger';
import type { Metrics } from '@paycrawl/service-kit/metrics';
import type { FastifyInstance } from 'fastify';
import { requireToken } from '../access/authorize.js';
import { registerConsole } from './console-route.js';
import type { ApiContext } from './context.js';
import { registerCrawlRoutes } from './crawl-routes.js';
import { registerDeadLetterRoutes } from './dead-letter-routes.js';
import { registerLiveRoute } from './live-route.js';
import { registerPublisherRoutes } from './publisher-routes.js';
import { registerRegistrationRoutes } from './registration-routes.js';
import { addComponents } from './schemas.js';
import { registerSettlementRoutes } from './settlement-routes.js';

export interface AppOptions {
  readonly context: ApiContext;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
}

const bodyBytesMax = 1_000_000;

/** The read API and the console, without a port: tests ask it by `inject`. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { context, logger, metrics, health } = options;
  const app = createHttp({
    logger,
    fastify: {
      bodyLimit: bodyBytesMax,
      // A misspelt query parameter is told, not dropped.
      ajv: { customOptions: { removeAdditional: false } },
      forceCloseConnections: true,
    },
  });
  // The types of the answers are checked where they are made; here they only become text.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  // Before the document begins: probes are no part of the API.
  registerOperations(app, { health, metrics });
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'paycrawl', version: '1', description: 'Crawl revenue, from the log.' },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
    refResolver: { buildLocalReference: (json) => String(json.$id) },
  });
  addComponents(app);
  app.get('/openapi.json', { schema: { hide: true } as object }, async () => app.swagger());
  await app.register(async (scope) => {
    requireToken(scope, context.tokens);
    scope.addHook('onSend', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
    });
    registerPublisherRoutes(scope, context);
    registerRegistrationRoutes(scope, context);
    registerCrawlRoutes(scope, context);
    registerSettlementRoutes(scope, context);
    registerDeadLetterRoutes(scope, context);
    registerLiveRoute(scope, context);
  });
  await registerConsole(app, context.consoleDirectory);
  return app;
}
