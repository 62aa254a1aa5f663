/** Every question that the console asks, each with the path it goes to and the answer it takes. */
import * as Answers from './answers.js';
import { follow } from './event-stream.js';
import { type Call, get, put, withQuery } from './request.js';

export interface Period {
  /** `2026-01-31`, in. */
  readonly from: string;
  /** `2026-01-31`, out; undefined: until now. */
  readonly to?: string | undefined;
}

export interface CrawlFilter {
  readonly status?: string | undefined;
  readonly crawler?: string | undefined;
  readonly path?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export const pageSize = 50;

export function readSession(call: Call) {
  return get(call, '/v1/session', Answers.session);
}

export function readPublishers(call: Call) {
  return get(call, '/v1/publishers', Answers.publishers);
}

export function readRevenue(call: Call, publisher: string, by: Answers.RevenueBy, period: Period) {
  const path = withQuery(`${ofPublisher(publisher)}/revenue`, { ...period, by });
  return get(call, path, Answers.revenue);
}

export function readBalance(call: Call, publisher: string) {
  return get(call, `${ofPublisher(publisher)}/balance`, Answers.balance);
}

export function readCrawls(call: Call, publisher: string, filter: CrawlFilter, cursor?: string) {
  const query = { ...filter, limit: String(pageSize), cursor };
  return get(call, withQuery(`${ofPublisher(publisher)}/crawls`, query), Answers.crawls);
}

export function readCrawl(call: Call, id: string) {
  return get(call, `/v1/crawls/${encodeURIComponent(id)}`, Answers.crawlDetail);
}

export interface SettlementFilter {
  /** Operators may narrow to one; a publisher's token sees its own whatever stands here. */
  readonly publisher?: string | undefined;
  readonly status?: string | undefined;
}

export function readSettlements(call: Call, filter: SettlementFilter, cursor?: string) {
  const query = { ...filter, limit: String(pageSize), cursor };
  return get(call, withQuery('/v1/settlements', query), Answers.settlements);
}

export function readSettlement(call: Call, id: string) {
  return get(call, `/v1/settlements/${encodeURIComponent(id)}`, Answers.settlementDetail);
}

export function readReconciliation(call: Call) {
  return get(call, '/v1/reconciliation', Answers.reconciliation);
}

export function readPriceBook(call: Call, publisher: string) {
  return get(call, `${ofPublisher(publisher)}/price-book`, Answers.priceBookAnswer);
}

export function replacePriceBook(
  call: Call,
  publisher: string,
  expectedVersion: number,
  priceBook: Readonly<Record<string, unknown>>,
) {
  const body = { expectedVersion, priceBook };
  return put(call, `${ofPublisher(publisher)}/price-book`, body, Answers.priceBookAnswer);
}

/** Resolves when the server ends the stream; rejects when it breaks. */
export function followRevenue(
  call: Call,
  publisher: string,
  onEvent: (live: Answers.Live) => void,
): Promise<void> {
  return follow(call, `${ofPublisher(publisher)}/live`, 'revenue', Answers.live, onEvent);
}

function ofPublisher(publisher: string): string {
  return `/v1/publishers/${encodeURIComponent(publisher)}`;
}
