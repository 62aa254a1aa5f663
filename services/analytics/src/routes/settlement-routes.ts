import { fail } from '@paycrawl/errors/paycrawl-error';
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { principalOf, requireOperator, requirePublisher } from '../access/authorize.js';
import { readCursor } from '../read/cursor.js';
import { findEvents, toCrawlEvent } from '../read/event-lookup.js';
import { findSettlement, readSettlementCharges, readSettlements } from '../read/settlements.js';
import * as Api from './api-types.js';
import type { ApiContext } from './context.js';
import * as Query from './query-types.js';
import { routeSchema } from './schemas.js';

const SettlementId = Type.Object({ id: Type.String({ minLength: 1, maxLength: 200 }) });

export function registerSettlementRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get<{ Querystring: Static<typeof Query.SettlementsQuery> }>(
    '/v1/settlements',
    {
      schema: routeSchema({
        summary: 'Settlement batches, newest first; a publisher sees its own charges in them',
        query: Query.SettlementsQuery,
        answer: Api.Settlements,
      }),
    },
    async (request): Promise<Api.Settlements> => {
      const { cursor, limit = 50, status, publisher } = request.query;
      return readSettlements(context, {
        publisher: publisherToRead(request, publisher),
        limit,
        ...(status === undefined ? {} : { status }),
        ...(cursor === undefined ? {} : { cursor: readCursor(cursor) }),
      });
    },
  );
  app.get<{ Params: Static<typeof SettlementId> }>(
    '/v1/settlements/:id',
    {
      schema: routeSchema({
        summary: 'One settlement batch with its charges and events',
        params: SettlementId,
        answer: Api.SettlementDetail,
      }),
    },
    async (request): Promise<Api.SettlementDetail> => readDetail(context, request),
  );
  app.get(
    '/v1/reconciliation',
    {
      schema: routeSchema({
        summary: 'log = ledger = ClickHouse = chain; differences must be 0',
        answer: Api.Reconciliation,
      }),
    },
    async (request): Promise<Api.Reconciliation> => {
      requireOperator(request);
      return context.reconciler.reconcile();
    },
  );
}

/** A publisher's own, whether it names itself or not; another one is forbidden. */
function publisherToRead(request: FastifyRequest, asked?: string): string | undefined {
  if (asked !== undefined) requirePublisher(request, asked);
  return asked ?? principalOf(request).publisher ?? undefined;
}

async function readDetail(
  context: ApiContext,
  request: FastifyRequest<{ Params: Static<typeof SettlementId> }>,
): Promise<Api.SettlementDetail> {
  const { id } = request.params;
  const publisher = publisherToRead(request);
  const whole = await findSettlement(context, id, undefined);
  if (whole === undefined) throw fail('settlement_not_found', 'No batch has this id');
  const settlement = publisher === undefined ? whole : await findSettlement(context, id, publisher);
  if (settlement === undefined) throw fail('forbidden', 'No charge of this publisher is in it');
  const charges = await readSettlementCharges(context, id, publisher);
  const visible = new Set(charges.map(({ chargeId }) => chargeId));
  const isOperator = publisher === undefined;
  const maySeeCharge = (chargeId: string) => isOperator || visible.has(chargeId);
  const found = await findEvents(context, [id]);
  const events = found.map((event) => toCrawlEvent(event, { isOperator, maySeeCharge }));
  return { settlement, charges, events };
}
