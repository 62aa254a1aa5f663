/**
 * Every body that the read API speaks: one TypeBox schema each is type, validator and OpenAPI.
 * Money is never a JSON number; times are ISO 8601 in UTC; counts are safe integers.
 */
import { type Static, type TSchema, Type } from '@sinclair/typebox';

const strict = { additionalProperties: false } as const;

export const Money = Type.Object(
  {
    asset: Type.String({ description: 'Asset id, e.g. eip155:84532/erc20:0x…' }),
    amount: Type.String({ pattern: '^-?[0-9]+$', description: 'Integer in atomic units' }),
    decimals: Type.Integer({ minimum: 0, maximum: 36 }),
  },
  { $id: 'Money', ...strict },
);
export type Money = Static<typeof Money>;

const At = Type.String({ description: 'ISO 8601, UTC, e.g. 2026-01-31T23:59:59.999Z' });
const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** One Money for each asset that occurred; an empty list means none, never "unknown". */
const Monies = Type.Array(Money);

/** How one crawl ended or where it stands. The first four cost nobody anything. */
export const CrawlStatus = Type.Union([
  Type.Literal('challenged', { description: '402 with a price; no proof came with this request' }),
  Type.Literal('refused', { description: 'proof malformed or its signature wrong' }),
  Type.Literal('rejected', { description: 'proof read, payment not accepted' }),
  Type.Literal('released', { description: 'accepted, not delivered, hold ended without charge' }),
  Type.Literal('pending', { description: 'proof received or accepted, outcome not known yet' }),
  Type.Literal('charged', { description: 'delivered and charged, money not moved yet' }),
  Type.Literal('settled', { description: 'money moved, read at the finality depth' }),
  Type.Literal('uncollectible', { description: 'delivered, money cannot be collected' }),
]);
export type CrawlStatus = Static<typeof CrawlStatus>;

/** Events counted in a period. A crawl that was paid counts in several of them. */
export const Counts = Type.Object(
  {
    challenges: Type.Integer({ description: '402 answers with a price' }),
    proofsRefused: Type.Integer({ description: 'proofs with a wrong form or signature' }),
    paymentsRejected: Type.Integer({ description: 'proofs read but not accepted' }),
    paymentsAccepted: Type.Integer(),
    delivered: Type.Integer({ description: 'paid content delivered' }),
    notDelivered: Type.Integer({ description: 'accepted, content not delivered' }),
    charges: Type.Integer({ description: 'charges posted' }),
    chargesSettled: Type.Integer(),
    chargesUncollectible: Type.Integer(),
  },
  { $id: 'Counts', ...strict },
);
export type Counts = Static<typeof Counts>;

export const Totals = Type.Object(
  {
    counts: Counts,
    charged: Monies,
    settled: Monies,
    uncollectible: Monies,
  },
  { $id: 'Totals', ...strict, description: 'Counts and amounts of one period or group' },
);
export type Totals = Static<typeof Totals>;

export const RevenueBy = Type.Union([
  Type.Literal('day'),
  Type.Literal('hour'),
  Type.Literal('crawler'),
  Type.Literal('path'),
  Type.Literal('dialect'),
  Type.Literal('status'),
]);
export type RevenueBy = Static<typeof RevenueBy>;

export const RevenueRow = Type.Object(
  {
    key: Type.String({
      description:
        'day: 2026-01-31 · hour: 2026-01-31T23:00:00Z · crawler, path, dialect: its name · ' +
        'status: a key of Counts',
    }),
    totals: Totals,
  },
  { $id: 'RevenueRow', ...strict },
);

export const Revenue = Type.Object(
  {
    publisher: Type.String(),
    /** Rounded outward to whole hours, by=path to whole days; what the rows really cover. */
    from: At,
    to: At,
    by: RevenueBy,
    total: Totals,
    /** day and hour: ascending, empty periods left out; others: largest revenue first. */
    rows: Type.Array(RevenueRow),
  },
  { $id: 'Revenue', ...strict },
);
export type Revenue = Static<typeof Revenue>;

export const AccountBalance = Type.Object(
  {
    account: Type.String({ description: 'Name in the chart of accounts, e.g. publisher_payable' }),
    debits: Money,
    credits: Money,
    balance: Money,
  },
  { $id: 'AccountBalance', ...strict },
);

export const Balance = Type.Object(
  {
    publisher: Type.String(),
    /** Append time of the newest ledger transaction in these figures; null: none posted yet. */
    asOf: Nullable(At),
    /** Charged since ever, before settlement, losses and fees. */
    charged: Monies,
    /** Confirmed on chain since ever. */
    settled: Monies,
    uncollectible: Monies,
    /** charged − settled − uncollectible: what the payers still owe. */
    owed: Monies,
    accounts: Type.Array(AccountBalance),
  },
  { $id: 'Balance', ...strict },
);
export type Balance = Static<typeof Balance>;

export const Crawl = Type.Object(
  {
    id: Type.String(),
    publisher: Type.String(),
    at: At,
    method: Type.String(),
    url: Type.String(),
    path: Type.String(),
    crawler: Type.String({ description: 'Name of the crawler as the price rule knew it' }),
    payer: Nullable(Type.String()),
    dialect: Nullable(Type.String({ description: 'e.g. x402-v2-exact, x402-v1-exact' })),
    status: CrawlStatus,
    /** Error-catalogue or x402 reason of a refusal, rejection, release or loss. */
    code: Nullable(Type.String()),
    /** Quoted until charged, then what was charged. */
    amount: Nullable(Money),
    chargeId: Nullable(Type.String()),
    batchId: Nullable(Type.String()),
    transaction: Nullable(Type.String({ description: 'Settlement transaction hash' })),
  },
  { $id: 'Crawl', ...strict },
);
export type Crawl = Static<typeof Crawl>;

export const Crawls = Type.Object(
  {
    /** Newest first. */
    crawls: Type.Array(Crawl),
    next: Nullable(Type.String({ description: 'Cursor of the next page; null: the end' })),
  },
  { $id: 'Crawls', ...strict },
);
export type Crawls = Static<typeof Crawls>;

export const Cause = Type.Object(
  {
    topic: Type.String(),
    partition: Type.Integer(),
    offset: Type.Integer(),
    index: Type.Integer(),
  },
  { $id: 'Cause', ...strict },
);

export const CrawlEvent = Type.Object(
  {
    topic: Type.String(),
    partition: Type.Integer(),
    offset: Type.Integer(),
    id: Type.String(),
    type: Type.String({ description: 'e.g. PaymentAccepted.v1' }),
    at: At,
    /** The record that a fold turned into this one; null: written by an edge, not a fold. */
    cause: Nullable(Cause),
    /** True when the log keeps this record no longer; `data` is empty then. */
    expired: Type.Boolean(),
    /** The event's data as it stands in the log, without signatures and without others' charges. */
    data: Type.Record(Type.String(), Type.Unknown()),
  },
  { $id: 'CrawlEvent', ...strict },
);
export type CrawlEvent = Static<typeof CrawlEvent>;

export const BatchStatus = Type.Union([
  Type.Literal('sealed'),
  Type.Literal('submitted'),
  Type.Literal('confirmed'),
  Type.Literal('lost'),
]);

export const Settlement = Type.Object(
  {
    id: Type.String(),
    partition: Type.Integer(),
    status: BatchStatus,
    sealedAt: At,
    submittedAt: Nullable(At),
    confirmedAt: Nullable(At),
    /** Charges in it that this reader may see (a publisher: its own). */
    charges: Type.Integer(),
    amounts: Monies,
    attempts: Type.Integer({ description: 'Signed transactions proposed' }),
    transaction: Nullable(Type.String({ description: 'The mined one, else the last submitted' })),
    block: Nullable(Type.String()),
    /** Gas paid, in the asset of the network; operators only, null for publishers. */
    gas: Nullable(Money),
  },
  { $id: 'Settlement', ...strict },
);
export type Settlement = Static<typeof Settlement>;

export const Settlements = Type.Object(
  { settlements: Type.Array(Settlement), next: Nullable(Type.String()) },
  { $id: 'Settlements', ...strict },
);
export type Settlements = Static<typeof Settlements>;

export const SettlementCharge = Type.Object(
  {
    chargeId: Type.String(),
    crawlId: Nullable(Type.String()),
    publisher: Type.String(),
    payer: Type.String(),
    amount: Money,
    outcome: Type.Union([
      Type.Literal('in_flight'),
      Type.Literal('settled'),
      Type.Literal('returned'),
      Type.Literal('uncollectible'),
    ]),
    code: Nullable(Type.String()),
  },
  { $id: 'SettlementCharge', ...strict },
);

export const SettlementDetail = Type.Object(
  {
    settlement: Settlement,
    charges: Type.Array(SettlementCharge),
    events: Type.Array(CrawlEvent),
  },
  { $id: 'SettlementDetail', ...strict },
);
export type SettlementDetail = Static<typeof SettlementDetail>;

export const CrawlDetail = Type.Object(
  {
    crawl: Crawl,
    /** Every event of this crawl, in the order of time, then topic and offset. */
    events: Type.Array(CrawlEvent),
    settlement: Nullable(Settlement),
  },
  { $id: 'CrawlDetail', ...strict },
);
export type CrawlDetail = Static<typeof CrawlDetail>;

/** One equation that must hold; `difference` is left − right and must be "0". */
export const ReconciliationCheck = Type.Object(
  {
    name: Type.String({ description: 'e.g. charged_log_ledger' }),
    title: Type.String(),
    asset: Nullable(Type.String({ description: 'null: a count, not an amount' })),
    left: Type.Object({ name: Type.String(), value: Nullable(Type.String()) }, strict),
    right: Type.Object({ name: Type.String(), value: Nullable(Type.String()) }, strict),
    difference: Nullable(Type.String({ description: 'null: one side could not be read' })),
    outcome: Type.Union([
      Type.Literal('equal'),
      Type.Literal('differs'),
      Type.Literal('unknown', { description: 'a side could not be read, or is still catching up' }),
    ]),
    detail: Nullable(Type.String()),
  },
  { $id: 'ReconciliationCheck', ...strict },
);

export const Reconciliation = Type.Object(
  {
    at: At,
    outcome: Type.Union([Type.Literal('equal'), Type.Literal('differs'), Type.Literal('unknown')]),
    /** Records that analytics has not read yet, over all partitions. */
    lag: Type.Integer(),
    checks: Type.Array(ReconciliationCheck),
  },
  { $id: 'Reconciliation', ...strict },
);
export type Reconciliation = Static<typeof Reconciliation>;

/** `data` of each server-sent event of GET /v1/publishers/{id}/live (`event: revenue`). */
export const Live = Type.Object(
  {
    publisher: Type.String(),
    at: At,
    /** Since 00:00 UTC. */
    today: Totals,
    /** Since ever, from the ledger. */
    balance: Balance,
    /** The newest crawls, at most 10. */
    recent: Type.Array(Crawl),
  },
  { $id: 'Live', ...strict },
);
export type Live = Static<typeof Live>;

export const AssetInfo = Type.Object(
  { asset: Type.String(), symbol: Type.String(), decimals: Type.Integer() },
  { $id: 'AssetInfo', ...strict },
);

export const Session = Type.Object(
  {
    role: Type.Union([Type.Literal('publisher'), Type.Literal('operator')]),
    /** The only publisher that this token may read; null for operators. */
    publisher: Nullable(Type.String()),
    assets: Type.Array(AssetInfo),
  },
  { $id: 'Session', ...strict },
);
export type Session = Static<typeof Session>;

/** GET /v1/publishers: operators see all, a publisher only itself. */
export const Publishers = Type.Object(
  {
    publishers: Type.Array(
      Type.Object({ id: Type.String(), hosts: Type.Array(Type.String()) }, strict),
    ),
  },
  { $id: 'Publishers', ...strict },
);
export type Publishers = Static<typeof Publishers>;

/**
 * GET and PUT /v1/publishers/{id}/price-book answer this. `priceBook` has the schema of
 * packages/pricing; a PUT that names another `expectedVersion` than the newest gets 409.
 */
export const PriceBookAnswer = Type.Object(
  {
    publisher: Type.String(),
    version: Type.Integer({ minimum: 0, description: '0: no price book yet' }),
    priceBook: Nullable(Type.Record(Type.String(), Type.Unknown())),
  },
  { $id: 'PriceBookAnswer', ...strict },
);
export type PriceBookAnswer = Static<typeof PriceBookAnswer>;

export const PriceBookPut = Type.Object(
  {
    expectedVersion: Type.Integer({ minimum: 0 }),
    priceBook: Type.Record(Type.String(), Type.Unknown()),
  },
  { $id: 'PriceBookPut', ...strict },
);
export type PriceBookPut = Static<typeof PriceBookPut>;

/** RFC 9457; the content type is application/problem+json. */
export const ProblemBody = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.Optional(Type.String()),
  },
  { $id: 'Problem' },
);
