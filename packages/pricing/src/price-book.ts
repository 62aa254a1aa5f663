import { fail, type PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import { isPrice } from '@paycrawl/money/money';
import { type Static, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { compilePattern, patternLengthMax } from './path-pattern.js';

/** How a delivery may end. The same words as in the events. */
export const outcomes = [
  'delivered',
  'head',
  'partial_content',
  'not_modified',
  'redirected',
  'client_disconnected',
  'origin_4xx',
  'origin_5xx',
  'origin_unreachable',
  'origin_timeout',
  'origin_truncated',
  'abandoned',
] as const;
export type Outcome = (typeof outcomes)[number];

const Billable = Type.Partial(
  Type.Object(
    {
      delivered: Type.Boolean({ description: 'Complete content' }),
      head: Type.Boolean({ description: 'Headers of the content, asked for with HEAD' }),
      partial_content: Type.Boolean({ description: 'A range, 206' }),
      not_modified: Type.Boolean({ description: 'The client’s copy is still good, 304' }),
      redirected: Type.Boolean({ description: 'Another place, other 3xx' }),
    },
    { additionalProperties: false },
  ),
  { description: 'Which successful outcomes are charged; failures never are' },
);

export const PriceRule = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
    path: Type.String({
      minLength: 1,
      maxLength: patternLengthMax,
      description: '`*` within a segment, `**` over segments',
    }),
    crawlers: Type.Union([
      Type.Literal('ai-agents'),
      Type.Literal('everyone'),
      Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { minItems: 1, maxItems: 1000 }),
    ]),
    price: Type.Optional(Type.String({ description: 'Exact, e.g. `USD 0.001`; ≤ 6 decimals' })),
    free: Type.Optional(Type.Literal(true)),
    block: Type.Optional(Type.Literal(true)),
    effectiveFrom: Type.Optional(
      Type.String({
        pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,3})?Z$',
        description: 'From when on, UTC; of several rules with one id the latest is in force',
      }),
    ),
    description: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { additionalProperties: false },
);
export type PriceRule = Static<typeof PriceRule>;

/** The first rule that matches path, crawler and date decides. No match: untouched and free. */
export const PriceBook = Type.Object(
  {
    rules: Type.Array(PriceRule, { maxItems: 10_000 }),
    billable: Type.Optional(Billable),
  },
  { additionalProperties: false },
);
export type PriceBook = Static<typeof PriceBook>;

const check = TypeCompiler.Compile(PriceBook);

/** A failure to deliver is never in this table: nobody can choose to charge for one. */
const billableByDefault: Readonly<Record<Outcome, boolean>> = {
  delivered: true,
  head: false,
  partial_content: true,
  not_modified: false,
  redirected: false,
  client_disconnected: false,
  origin_4xx: false,
  origin_5xx: false,
  origin_unreachable: false,
  origin_timeout: false,
  origin_truncated: false,
  abandoned: false,
};

export function isBillable(book: PriceBook, outcome: Outcome): boolean {
  const chosen: Partial<Record<Outcome, boolean>> = book.billable ?? {};
  return chosen[outcome] ?? billableByDefault[outcome];
}

/** A book from outside, checked beyond its shape; fails with what is wrong and where. */
export function readPriceBook(value: unknown): PriceBook {
  if (!check.Check(value)) {
    const first = check.Errors(value).First();
    throw invalid(`${first?.path ?? ''}: ${first?.message ?? 'malformed'}`);
  }
  const seen = new Set<string>();
  for (const [i, rule] of value.rules.entries()) {
    const at = `/rules/${i}`;
    const kinds = [rule.price, rule.free, rule.block].filter((kind) => kind !== undefined);
    if (kinds.length !== 1) throw invalid(`${at}: exactly one of price, free and block`);
    if (rule.price !== undefined && !isPrice(rule.price)) {
      throw invalid(`${at}/price: write it like "USD 0.001", with at most 6 decimals`);
    }
    if (compilePattern(rule.path) === undefined) throw invalid(`${at}/path: not a path pattern`);
    if (Number.isNaN(effectiveFromMs(rule))) throw invalid(`${at}/effectiveFrom: no such time`);
    const identity = `${rule.id} ${effectiveFromMs(rule)}`;
    if (seen.has(identity)) throw invalid(`${at}/id: used twice for the same time`);
    seen.add(identity);
  }
  return value;
}

export function effectiveFromMs(rule: PriceRule): number {
  return rule.effectiveFrom === undefined ? 0 : Date.parse(rule.effectiveFrom);
}

/** Always readable, so that a crawler can learn the rules of the house. */
const signposts = [
  '/robots.txt',
  '/sitemap.xml',
  '/security.txt',
  '/.well-known/**',
  '/favicon.ico',
];

/** What a publisher starts with: AI agents pay one price for every page. */
export function defaultPriceBook(price: string): PriceBook {
  const free = signposts.map(
    (path, i): PriceRule => ({ id: `signpost-${i + 1}`, path, crawlers: 'everyone', free: true }),
  );
  return { rules: [...free, { id: 'ai-agents', path: '/**', crawlers: 'ai-agents', price }] };
}

function invalid(detail: string): PaycrawlError {
  return fail('price_book_invalid', detail);
}
