import { PriceBook } from '@paycrawl/pricing/price-book';
import type { TSchema } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import * as Api from './api-types.js';
import { DeadLetter, DeadLetters } from './dead-letter-types.js';
import { PublisherAnswer, PublisherPut } from './registration-types.js';

/** Named bodies of the API; each stands once in the OpenAPI document and is referred to. */
const components: readonly TSchema[] = [
  Api.Money,
  Api.Counts,
  Api.Totals,
  Api.RevenueRow,
  Api.Revenue,
  Api.AccountBalance,
  Api.Balance,
  Api.Crawl,
  Api.Crawls,
  Api.Cause,
  Api.CrawlEvent,
  Api.Settlement,
  Api.Settlements,
  Api.SettlementCharge,
  Api.SettlementDetail,
  Api.CrawlDetail,
  Api.ReconciliationCheck,
  Api.Reconciliation,
  DeadLetter,
  DeadLetters,
  Api.Live,
  Api.AssetInfo,
  Api.Session,
  Api.Publishers,
  Api.PriceBookAnswer,
  Api.PriceBookPut,
  PublisherPut,
  PublisherAnswer,
  Api.ProblemBody,
  { ...PriceBook, $id: 'PriceBook' } as TSchema,
];

export function addComponents(app: FastifyInstance): void {
  for (const component of components) app.addSchema(withReferences(component, true));
}

/** The same schema with every named part replaced by a reference to it. */
export function withReferences(schema: TSchema, isRoot = false): Record<string, unknown> {
  return replaceNamed(schema, isRoot) as Record<string, unknown>;
}

function replaceNamed(value: unknown, isRoot: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => replaceNamed(item, false));
  if (typeof value !== 'object' || value === null) return value;
  const { $id } = value as { $id?: unknown };
  if (typeof $id === 'string' && !isRoot) return { $ref: `${$id}#` };
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, replaceNamed(part, false)]),
  );
}

const problems = { default: { description: 'Problem (RFC 9457)', ...ref(Api.ProblemBody) } };

function ref(schema: TSchema): Record<string, unknown> {
  return withReferences(schema);
}

/** What every JSON route declares: parameters, query, body and answers. */
export function routeSchema(of: {
  readonly summary: string;
  readonly params?: TSchema;
  readonly query?: TSchema;
  readonly body?: TSchema;
  readonly answer: TSchema;
}): Record<string, unknown> {
  return {
    summary: of.summary,
    security: [{ bearer: [] }],
    ...(of.params === undefined ? {} : { params: ref(of.params) }),
    ...(of.query === undefined ? {} : { querystring: ref(of.query) }),
    ...(of.body === undefined ? {} : { body: ref(of.body) }),
    response: { 200: { description: 'Answer', ...ref(of.answer) }, ...problems },
  };
}
