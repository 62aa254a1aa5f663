import { overBudget, type PayingFetch, reasonOf402 } from './paying-fetch.js';

/** What one crawler met; the rows of the demo's table. */
export interface CrawlTally {
  readonly crawler: string;
  readonly client: string;
  pages: number;
  paid: number;
  free: number;
  bytes: number;
  /** Refusals by reason. */
  readonly refused: Map<string, number>;
}

export function tally(crawler: string, client: string): CrawlTally {
  return { crawler, client, pages: 0, paid: 0, free: 0, bytes: 0, refused: new Map() };
}

export interface Crawler {
  readonly userAgent: string;
  /** Absent: never pays. */
  readonly paying?: PayingFetch;
}

/** Visits the pages in order until its budget ends; returns the paths that were paid for. */
export async function crawl(
  origin: string,
  paths: readonly string[],
  { userAgent, paying }: Crawler,
  counted: CrawlTally,
  onPage: () => void,
): Promise<string[]> {
  const paid: string[] = [];
  for (const path of paths) {
    const outcome = await visit(`${origin}${path}`, userAgent, paying);
    counted.pages += 1;
    onPage();
    if (outcome.kind === 'refused') {
      count(counted, outcome.reason);
      if (outcome.reason === overBudget) break;
      continue;
    }
    counted.bytes += outcome.bytes;
    if (outcome.kind === 'paid') {
      counted.paid += 1;
      paid.push(path);
    } else {
      counted.free += 1;
    }
  }
  return paid;
}

export function count(counted: CrawlTally, reason: string): void {
  counted.refused.set(reason, (counted.refused.get(reason) ?? 0) + 1);
}

export type Visit =
  | { readonly kind: 'paid' | 'free'; readonly bytes: number }
  | { readonly kind: 'refused'; readonly reason: string };

async function visit(url: string, userAgent: string, paying?: PayingFetch): Promise<Visit> {
  const init = { headers: { 'user-agent': userAgent } };
  try {
    const response = await (paying === undefined ? fetch(url, init) : paying.fetch(url, init));
    return await visitOf(response);
  } catch (error) {
    // The published clients throw when a budget hook says no.
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'refused', reason: message.includes(overBudget) ? overBudget : message };
  }
}

export async function visitOf(response: Response): Promise<Visit> {
  const body = await response.arrayBuffer();
  if (response.status === 402) return { kind: 'refused', reason: reasonOf402(response) };
  if (!response.ok) return { kind: 'refused', reason: `HTTP ${response.status}` };
  const hasReceipt =
    response.headers.has('payment-response') || response.headers.has('x-payment-response');
  return { kind: hasReceipt ? 'paid' : 'free', bytes: body.byteLength };
}

/** Same-site links of a page, in order, without repeats. */
export function linksOf(html: string): string[] {
  const links = [...html.matchAll(/href="(\/[^"#?]*)"/g)].map(([, path]) => path as string);
  return [...new Set(links)];
}
