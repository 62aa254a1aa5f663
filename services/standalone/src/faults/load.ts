import { setTimeout as delay } from 'node:timers/promises';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { decodePaymentResponseHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import type { Hex } from 'viem';
import { payWithV2 } from '../demo/paying-fetch.js';
import {
  crawlerAgent,
  offerOf,
  openVisitor,
  type Page,
  signed,
  type Visitor,
} from '../testing/visitor.js';

/** Crawlers that buy page after page with published clients, whatever happens to the platform. */
export interface Load {
  figures(): LoadFigures;
  /** The longest time since then that one of the crawlers went without a page it paid for. */
  gapSince(startMs: number): number;
  /** Waits until every crawler has paid for this many pages more. */
  morePages(pages: number, timeoutMs: number): Promise<void>;
  /** Charges that a crawler has a receipt for. */
  readonly receipts: ReadonlySet<string>;
  /** Ends it when each crawler has its answer. */
  stop(): Promise<LoadFigures>;
}

export interface LoadFigures {
  readonly requests: number;
  readonly paid: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Refusals other than a 402, by the code of the problem. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Requests whose connection broke, by what was seen. */
  readonly broken: Readonly<Record<string, number>>;
  /** 503s that did not say when to come again. */
  readonly withoutRetryAfter: number;
}

/** Of several loads together. */
export function sumOfFigures(all: readonly LoadFigures[]): LoadFigures {
  const total = (pick: (one: LoadFigures) => number) =>
    all.reduce((sum, one) => sum + pick(one), 0);
  const byName = (pick: (one: LoadFigures) => Readonly<Record<string, number>>) => {
    const sums: Record<string, number> = {};
    for (const [name, n] of all.flatMap((one) => Object.entries(pick(one)))) {
      sums[name] = (sums[name] ?? 0) + n;
    }
    return sums;
  };
  return {
    requests: total(({ requests }) => requests),
    paid: total(({ paid }) => paid),
    withoutRetryAfter: total(({ withoutRetryAfter }) => withoutRetryAfter),
    statuses: byName(({ statuses }) => statuses),
    refusals: byName(({ refusals }) => refusals),
    broken: byName(({ broken }) => broken),
  };
}

export interface LoadOptions {
  readonly till: string;
  readonly wallets: readonly Wallet[];
  readonly rpcUrl: string;
  /** Between a page and the next one of the same crawler. */
  readonly paceMs?: number;
}

interface Tally {
  requests: number;
  readonly statuses: Record<string, number>;
  readonly refusals: Record<string, number>;
  readonly broken: Record<string, number>;
  withoutRetryAfter: number;
  readonly receipts: Set<string>;
  /** By crawler, moments of paid pages. */
  readonly paidMs: number[][];
  isOver: boolean;
}

const budget = 10_000_000_000n;
const againAfterMs = 50;

export function startLoad({ till, wallets, rpcUrl, paceMs = 60 }: LoadOptions): Load {
  const tally: Tally = {
    ...{ requests: 0, withoutRetryAfter: 0, isOver: false },
    ...{ statuses: {}, refusals: {}, broken: {} },
    receipts: new Set(),
    paidMs: wallets.map(() => []),
  };
  const startedMs = performance.now();
  const visitor = openVisitor(till);
  // Every other crawler presents again the very proof that was not answered; the rest start anew.
  const crawling = wallets.map((wallet, n) => {
    const buy = n % 2 === 0 ? paysAnew(till, wallet, rpcUrl) : presentsAgain(visitor, wallet);
    return crawl(tally, n, paceMs, buy);
  });
  const figures = (): LoadFigures => ({
    ...{ requests: tally.requests, withoutRetryAfter: tally.withoutRetryAfter },
    statuses: { ...tally.statuses },
    refusals: { ...tally.refusals },
    broken: { ...tally.broken },
    paid: tally.paidMs.reduce((sum, times) => sum + times.length, 0),
  });
  return {
    figures,
    receipts: tally.receipts,
    gapSince: (sinceMs) =>
      Math.max(...tally.paidMs.map((times) => longestGap(times, Math.max(sinceMs, startedMs)))),
    morePages: (pages, timeoutMs) => morePages(tally, pages, timeoutMs),
    async stop() {
      tally.isOver = true;
      await Promise.all(crawling);
      visitor.close();
      return figures();
    },
  };
}

/** From the last moment before `sinceMs` on, with the one that is still going on. */
export function longestGap(times: readonly number[], sinceMs: number): number {
  const first = times.findIndex((time) => time > sinceMs);
  const after = first < 0 ? [] : times.slice(first);
  const marks = [Math.max(sinceMs, times[first - 1] ?? 0), ...after, performance.now()];
  return Math.max(...marks.slice(1).map((time, i) => time - (marks[i] ?? time)));
}

async function morePages(tally: Tally, pages: number, timeoutMs: number): Promise<void> {
  const wanted = tally.paidMs.map((times) => times.length + pages);
  const deadlineMs = performance.now() + timeoutMs;
  while (tally.paidMs.some((times, n) => times.length < (wanted[n] ?? 0))) {
    // Whoever asked sees in the figures who did not get on.
    if (performance.now() > deadlineMs) return;
    await delay(20);
  }
}

type Buy = (tally: Tally, path: string) => Promise<string | undefined>;

async function crawl(tally: Tally, n: number, paceMs: number, buy: Buy): Promise<void> {
  for (let i = 0; !tally.isOver; i += 1) {
    const receipt = await buy(tally, `/articles/${n}-${i % 40}.html`);
    if (receipt === undefined) {
      await delay(againAfterMs);
      continue;
    }
    tally.receipts.add(receipt);
    tally.paidMs[n]?.push(performance.now());
    await delay(paceMs);
  }
}

/** `@x402/fetch`, as it is. */
function paysAnew(till: string, { privateKey }: Wallet, rpcUrl: string): Buy {
  return async (tally, path) => {
    const through = async (...request: Parameters<typeof fetch>): Promise<Response> => {
      const answer = await counted(tally, () => fetch(...request));
      const { status } = answer;
      const body = isRefusal(status) ? await answer.clone().text() : '';
      note(tally, { status, body, retryAfter: answer.headers.get('retry-after') });
      return answer;
    };
    const { fetch: pay } = payWithV2({ privateKey, rpcUrl, budget, through });
    try {
      const answer = await pay(`${till}${path}`, { headers: { 'user-agent': crawlerAgent } });
      await answer.arrayBuffer();
      return answer.ok ? receiptIn(answer.headers.get('payment-response')) : undefined;
    } catch {
      return undefined;
    }
  };
}

/** A published client's proof, presented until there is an answer to it. */
function presentsAgain(visitor: Visitor, wallet: { privateKey: Hex } & Wallet): Buy {
  return async (tally, path) => {
    try {
      const asked = await counted(tally, () => visitor.visit({ path }));
      note(tally, { ...asked, retryAfter: headerOf(asked, 'retry-after') });
      if (asked.status !== 402) return undefined;
      const offer = offerOf(asked);
      const proof = encodePaymentSignatureHeader(await signed(wallet, offer));
      for (let attempt = 0; attempt < 400; attempt += 1) {
        const page = await counted(tally, () => visitor.present(proof, { path })).catch(
          () => undefined,
        );
        if (page !== undefined) note(tally, { ...page, retryAfter: headerOf(page, 'retry-after') });
        if (page?.status === 200) return receiptIn(headerOf(page, 'payment-response'));
        if (page?.status === 402 || (tally.isOver && attempt > 100)) return undefined;
        await delay(againAfterMs);
      }
    } catch {
      return undefined;
    }
    return undefined;
  };
}

function headerOf({ headers }: Page, name: string): string | null {
  const value = headers[name];
  return typeof value === 'string' ? value : null;
}

/** The charge that a receipt names. */
export function receiptIn(header: string | null): string | undefined {
  if (header === null) return undefined;
  const { extra } = decodePaymentResponseHeader(header);
  return (extra as { commitmentId?: string } | undefined)?.commitmentId;
}

async function counted<Answer>(tally: Tally, request: () => Promise<Answer>): Promise<Answer> {
  tally.requests += 1;
  try {
    return await request();
  } catch (error) {
    const what = brokenBy(error);
    tally.broken[what] = (tally.broken[what] ?? 0) + 1;
    throw error;
  }
}

function brokenBy(error: unknown): string {
  const { cause, code } = error as { cause?: { code?: string; message?: string }; code?: string };
  return cause?.code ?? code ?? cause?.message ?? (error as Error).message;
}

interface Answered {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: string | null;
}

function note(tally: Tally, { status, body, retryAfter }: Answered): void {
  tally.statuses[status] = (tally.statuses[status] ?? 0) + 1;
  if (!isRefusal(status)) return;
  const code = /"code":"([a-z0-9_]+)"/.exec(body)?.[1] ?? String(status);
  tally.refusals[code] = (tally.refusals[code] ?? 0) + 1;
  if (status === 503 && retryAfter === null) tally.withoutRetryAfter += 1;
}

function isRefusal(status: number): boolean {
  return status >= 400 && status !== 402;
}
