/** What may stand in the query of a route; anything else is told as a mistake. */
import { Type } from '@sinclair/typebox';
import { BatchStatus, CrawlStatus, RevenueBy } from './api-types.js';

const strict = { additionalProperties: false } as const;

export const RevenueQuery = Type.Object(
  {
    from: Type.Optional(
      Type.String({ description: 'Inclusive; date or time; default 30 days ago' }),
    ),
    to: Type.Optional(Type.String({ description: 'Exclusive; date or time; default now' })),
    by: Type.Optional(RevenueBy),
    limit: Type.Optional(
      Type.Integer({
        ...{ minimum: 1, maximum: 1000, default: 200 },
        description: 'crawler, path, dialect: so many rows, the largest; the total counts all',
      }),
    ),
  },
  strict,
);

export const CrawlsQuery = Type.Object(
  {
    from: Type.Optional(Type.String()),
    to: Type.Optional(Type.String()),
    status: Type.Optional(CrawlStatus),
    crawler: Type.Optional(Type.String()),
    payer: Type.Optional(Type.String()),
    dialect: Type.Optional(Type.String()),
    /** Prefix of the path. */
    path: Type.Optional(Type.String()),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
    cursor: Type.Optional(Type.String({ description: '`next` of the page before' })),
  },
  strict,
);

export const SettlementsQuery = Type.Object(
  {
    publisher: Type.Optional(Type.String({ description: 'Operators may narrow to one' })),
    status: Type.Optional(BatchStatus),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
    cursor: Type.Optional(Type.String()),
  },
  strict,
);
