/**
 * What the API answers, as the console reads it. Kept by hand beside the analytics service's own
 * schemas (a service never imports a service) and checked against every answer at run time.
 */
import { isAtomicText, type Money } from '../format/money.js';
import {
  flag,
  instant,
  integer,
  list,
  type Narrow,
  type Narrowed,
  nullable,
  object,
  oneOf,
  record,
  text,
  textLike,
} from './narrow.js';

const atomic = textLike(isAtomicText, 'an integer in atomic units');

export const money: Narrow<Money> = object({ asset: text, amount: atomic, decimals: integer });
const monies = list(money);

export const crawlStatuses = [
  'challenged',
  'refused',
  'rejected',
  'released',
  'pending',
  'charged',
  'settled',
  'uncollectible',
] as const;
export type CrawlStatus = (typeof crawlStatuses)[number];

export const counts = object({
  challenges: integer,
  proofsRefused: integer,
  paymentsRejected: integer,
  paymentsAccepted: integer,
  delivered: integer,
  notDelivered: integer,
  charges: integer,
  chargesSettled: integer,
  chargesUncollectible: integer,
});
export type Counts = Narrowed<typeof counts>;

export const totals = object({
  counts,
  charged: monies,
  settled: monies,
  uncollectible: monies,
});
export type Totals = Narrowed<typeof totals>;

export const revenueBys = ['day', 'hour', 'crawler', 'path', 'dialect', 'status'] as const;
export type RevenueBy = (typeof revenueBys)[number];

export const revenue = object({
  publisher: text,
  from: instant,
  to: instant,
  by: oneOf(...revenueBys),
  total: totals,
  rows: list(object({ key: text, totals })),
});
export type Revenue = Narrowed<typeof revenue>;
export type RevenueRow = Revenue['rows'][number];

export const balance = object({
  publisher: text,
  asOf: nullable(instant),
  charged: monies,
  settled: monies,
  uncollectible: monies,
  owed: monies,
});
export type Balance = Narrowed<typeof balance>;

export const crawl = object({
  id: text,
  publisher: text,
  at: instant,
  method: text,
  url: text,
  path: text,
  crawler: text,
  payer: nullable(text),
  dialect: nullable(text),
  status: oneOf(...crawlStatuses),
  code: nullable(text),
  amount: nullable(money),
  chargeId: nullable(text),
  batchId: nullable(text),
  transaction: nullable(text),
});
export type Crawl = Narrowed<typeof crawl>;

export const crawls = object({ crawls: list(crawl), next: nullable(text) });
export type Crawls = Narrowed<typeof crawls>;

export const logEvent = object({
  topic: text,
  partition: integer,
  offset: integer,
  id: text,
  type: text,
  at: instant,
  cause: nullable(object({ topic: text, partition: integer, offset: integer, index: integer })),
  expired: flag,
  data: record,
});
export type LogEvent = Narrowed<typeof logEvent>;

export const batchStatuses = ['sealed', 'submitted', 'confirmed', 'lost'] as const;
export type BatchStatus = (typeof batchStatuses)[number];

export const settlement = object({
  id: text,
  partition: integer,
  status: oneOf(...batchStatuses),
  sealedAt: instant,
  submittedAt: nullable(instant),
  confirmedAt: nullable(instant),
  charges: integer,
  amounts: monies,
  attempts: integer,
  transaction: nullable(text),
  block: nullable(text),
  gas: nullable(money),
});
export type Settlement = Narrowed<typeof settlement>;

export const settlements = object({ settlements: list(settlement), next: nullable(text) });
export type Settlements = Narrowed<typeof settlements>;

export const settlementCharge = object({
  chargeId: text,
  crawlId: nullable(text),
  publisher: text,
  payer: text,
  amount: money,
  outcome: oneOf('in_flight', 'settled', 'returned', 'uncollectible'),
  code: nullable(text),
});
export type SettlementCharge = Narrowed<typeof settlementCharge>;

export const settlementDetail = object({
  settlement,
  charges: list(settlementCharge),
  events: list(logEvent),
});

export const crawlDetail = object({
  crawl,
  events: list(logEvent),
  settlement: nullable(settlement),
});
export type CrawlDetail = Narrowed<typeof crawlDetail>;

const outcome = oneOf('equal', 'differs', 'unknown');
const side = object({ name: text, value: nullable(text) });

export const reconciliation = object({
  at: instant,
  outcome,
  lag: integer,
  checks: list(
    object({
      name: text,
      title: text,
      asset: nullable(text),
      left: side,
      right: side,
      difference: nullable(text),
      outcome,
      detail: nullable(text),
    }),
  ),
});
export type Reconciliation = Narrowed<typeof reconciliation>;
export type ReconciliationCheck = Reconciliation['checks'][number];

export const live = object({
  publisher: text,
  at: instant,
  today: totals,
  balance,
  recent: list(crawl),
});
export type Live = Narrowed<typeof live>;

export const session = object({
  role: oneOf('publisher', 'operator'),
  publisher: nullable(text),
  assets: list(object({ asset: text, symbol: text, decimals: integer })),
});
export type Session = Narrowed<typeof session>;
export type AssetInfo = Session['assets'][number];

export const publishers = object({
  publishers: list(object({ id: text, hosts: list(text) })),
});
export type Publishers = Narrowed<typeof publishers>;

export const priceBookAnswer = object({
  publisher: text,
  version: integer,
  priceBook: nullable(record),
});
export type PriceBookAnswer = Narrowed<typeof priceBookAnswer>;
