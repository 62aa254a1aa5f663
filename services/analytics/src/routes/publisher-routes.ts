import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { principalOf, requireOperator } from '../access/authorize.js';
import { readBalance } from '../read/balance.js';
import { readCrawls } from '../read/crawls.js';
import { readCursor } from '../read/cursor.js';
import { readPeriod } from '../read/period.js';
import { readRevenue } from '../read/revenue.js';
import type { VersionedBook } from '../registry/registry-view.js';
import { replacePriceBook } from '../registry/replace-price-book.js';
import * as Api from './api-types.js';
import { type ApiContext, readablePublisher } from './context.js';
import * as Query from './query-types.js';
import { routeSchema } from './schemas.js';

const PublisherId = Type.Object({ id: Type.String({ minLength: 1, maxLength: 200 }) });
type ById = { Params: Static<typeof PublisherId> };

const revenueRowsDefault = 200;
/** Every hour of the longest period that can be asked for. */
const seriesRowsMax = 400 * 24 + 2;

export function registerPublisherRoutes(app: FastifyInstance, context: ApiContext): void {
  registerLists(app, context);
  registerFigures(app, context);
  registerPriceBook(app, context);
  registerAccounts(app, context);
}

/** API keys of the facilitator are accounts of the ledger, and no publishers. */
function registerAccounts(app: FastifyInstance, context: ApiContext): void {
  app.get<ById>(
    '/v1/accounts/:id/balance',
    {
      schema: routeSchema({
        summary: 'What the ledger says of the account of an API key: cleared, and gas owed',
        params: PublisherId,
        answer: Api.Balance,
      }),
    },
    async (request): Promise<Api.Balance> => {
      requireOperator(request);
      return readBalance(context, request.params.id);
    },
  );
}

function registerLists(app: FastifyInstance, context: ApiContext): void {
  app.get(
    '/v1/session',
    { schema: routeSchema({ summary: 'Who the token stands for', answer: Api.Session }) },
    async (request): Promise<Api.Session> => ({
      ...principalOf(request),
      assets: context.assets.assets.map(({ id: asset, symbol, decimals }) => ({
        ...{ asset, symbol, decimals },
      })),
    }),
  );
  app.get(
    '/v1/publishers',
    { schema: routeSchema({ summary: 'Publishers to read about', answer: Api.Publishers }) },
    async (request): Promise<Api.Publishers> => {
      const principal = principalOf(request);
      const own = context.registry
        .publishers()
        .filter(({ id }) => principal.role === 'operator' || principal.publisher === id);
      return { publishers: own.map(({ id, hosts }) => ({ id, hosts: [...hosts] })) };
    },
  );
}

function registerFigures(app: FastifyInstance, context: ApiContext): void {
  app.get<ById & { Querystring: Static<typeof Query.RevenueQuery> }>(
    '/v1/publishers/:id/revenue',
    {
      schema: routeSchema({
        summary: 'Counts and amounts of a period, by day, hour, crawler, path, dialect or status',
        params: PublisherId,
        query: Query.RevenueQuery,
        answer: Api.Revenue,
      }),
    },
    async (request): Promise<Api.Revenue> => {
      const { id: publisher } = readablePublisher(context, request, request.params.id);
      const { by = 'day', limit = revenueRowsDefault } = request.query;
      const period = readPeriod(request.query, context.clock());
      const isSeries = by === 'day' || by === 'hour';
      return readRevenue(context, {
        publisher,
        by,
        rowsMax: isSeries ? seriesRowsMax : limit,
        ...period,
      });
    },
  );
  app.get<ById>(
    '/v1/publishers/:id/balance',
    {
      schema: routeSchema({
        summary: 'What the ledger says: charged, settled, lost, owed',
        params: PublisherId,
        answer: Api.Balance,
      }),
    },
    async (request): Promise<Api.Balance> => {
      const { id } = readablePublisher(context, request, request.params.id);
      return readBalance(context, id);
    },
  );
  app.get<ById & { Querystring: Static<typeof Query.CrawlsQuery> }>(
    '/v1/publishers/:id/crawls',
    {
      schema: routeSchema({
        summary: 'Crawls, newest first',
        params: PublisherId,
        query: Query.CrawlsQuery,
        answer: Api.Crawls,
      }),
    },
    async (request): Promise<Api.Crawls> => {
      const { id: publisher } = readablePublisher(context, request, request.params.id);
      const { from: _from, to: _to, cursor, limit = 50, ...filters } = request.query;
      const period = readPeriod(request.query, context.clock());
      const after = cursor === undefined ? {} : { cursor: readCursor(cursor) };
      return readCrawls(context, { publisher, limit, ...filters, ...period, ...after });
    },
  );
}

function registerPriceBook(app: FastifyInstance, context: ApiContext): void {
  const path = '/v1/publishers/:id/price-book';
  app.get<ById>(
    path,
    {
      schema: routeSchema({
        summary: 'The price book in force',
        params: PublisherId,
        answer: Api.PriceBookAnswer,
      }),
    },
    async (request): Promise<Api.PriceBookAnswer> => {
      const { id } = readablePublisher(context, request, request.params.id);
      return priceBookAnswer(id, context.registry.priceBook(id));
    },
  );
  app.put<ById & { Body: Api.PriceBookPut }>(
    path,
    {
      schema: routeSchema({
        summary: 'Replaces the price book; answers when the new one is durable and in force',
        params: PublisherId,
        body: Api.PriceBookPut,
        answer: Api.PriceBookAnswer,
      }),
    },
    async (request): Promise<Api.PriceBookAnswer> => {
      const { id: publisher } = readablePublisher(context, request, request.params.id);
      const { expectedVersion, priceBook } = request.body;
      const replaced = await replacePriceBook(context.log, context.registry, {
        ...{ publisher, expectedVersion, priceBook, nowMs: context.clock() },
      });
      return priceBookAnswer(publisher, replaced);
    },
  );
}

function priceBookAnswer(publisher: string, book: VersionedBook | undefined): Api.PriceBookAnswer {
  return {
    publisher,
    version: book?.version ?? 0,
    priceBook: book === undefined ? null : book.book,
  };
}
