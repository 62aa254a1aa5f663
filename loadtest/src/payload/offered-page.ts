import { fail } from '@paycrawl/errors/paycrawl-error';
import { type Offered, readOffer } from './sign-proofs.js';

/** What a crawler is offered for a page, in both versions of x402. */
export interface OfferedPage {
  readonly offered: Offered;
  /** Absent: version 1 is not offered. */
  readonly v1Network: string | undefined;
}

export async function askOffer(url: string, userAgent: string): Promise<OfferedPage> {
  const response = await fetch(url, { headers: { 'user-agent': userAgent } }).catch(
    (cause: unknown) => {
      throw fail('bench_failed', `${url} does not answer`, { cause });
    },
  );
  const header = response.headers.get('payment-required');
  const body = await response.text();
  if (response.status !== 402 || header === null) {
    const detail = `${url} answered ${response.status} without an offer: is it priced?`;
    throw fail('bench_failed', detail);
  }
  const v1 = parseV1(body);
  return { offered: readOffer(header), v1Network: v1?.accepts?.[0]?.network };
}

function parseV1(body: string): { accepts?: readonly { network?: string }[] } | undefined {
  try {
    return JSON.parse(body);
  } catch {
    // A page for people.
    return undefined;
  }
}
