import { fail } from '@paycrawl/errors/paycrawl-error';
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { principalOf, requirePublisher } from '../access/authorize.js';
import { type CrawlRow, crawlOf, findCrawlRow } from '../read/crawls.js';
import { findEvents, toCrawlEvent } from '../read/event-lookup.js';
import { findSettlement } from '../read/settlements.js';
import * as Api from './api-types.js';
import type { ApiContext } from './context.js';
import { routeSchema } from './schemas.js';

const CrawlId = Type.Object({ id: Type.String({ minLength: 1, maxLength: 200 }) });

export function registerCrawlRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Params: Static<typeof CrawlId> }>(
    '/v1/crawls/:id',
    {
      schema: routeSchema({
        summary: 'One crawl with every event of it, in order, and its settlement',
        params: CrawlId,
        answer: Api.CrawlDetail,
      }),
    },
    async (request): Promise<Api.CrawlDetail> => {
      const row = await findCrawlRow(context.warehouse, request.params.id);
      if (row === undefined) throw fail('crawl_not_found', 'No crawl has this id');
      requirePublisher(request, row.publisher);
      const isOperator = principalOf(request).role === 'operator';
      return readDetail(context, row, isOperator);
    },
  );
}

async function readDetail(
  context: ApiContext,
  row: CrawlRow,
  isOperator: boolean,
): Promise<Api.CrawlDetail> {
  const settlement =
    row.batch_id === ''
      ? undefined
      : await findSettlement(context, row.batch_id, isOperator ? undefined : row.publisher);
  const subjects = [row.id, row.challenge_id, row.batch_id].filter((id) => id !== '');
  const found = await findEvents(context, [...new Set(subjects)]);
  // Of a batch, only what concerns this crawl.
  const maySeeCharge = (chargeId: string) => chargeId === row.charge_id;
  return {
    crawl: crawlOf(context.assets, row),
    events: found.map((event) => toCrawlEvent(event, { isOperator, maySeeCharge })),
    settlement: settlement ?? null,
  };
}
