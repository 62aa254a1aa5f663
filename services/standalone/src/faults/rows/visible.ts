import { setTimeout as delay } from 'node:timers/promises';
import { defaultPriceBook } from '@paycrawl/pricing/price-book';
import { newWallet } from '@paycrawl/testkit/devnet-actions';
import { expect } from 'vitest';
import type { RunFile } from '../../run-file.js';
import { openReadApi } from '../../testing/read-api.js';
import { openVisitor, type Visitor } from '../../testing/visitor.js';
import type { FaultContext, FaultFigures, FaultRow } from '../fault.js';
import { receiptIn } from '../load.js';
import type { FaultPlatform } from '../platform.js';

/** Enough for a 99th percentile that is not one sample alone. */
const samplesWanted = 250;
const paceMs = 80;
const lookEveryMs = 200;
const visibleWithinMs = 2_000;
const publisherId = 'visible';
const host = 'visible.example';

export const visibleRevenue: FaultRow = {
  name: 'crawl → visible revenue',
  mustHold: 'p99 under 2 s over Kafka and ClickHouse',
  cases: () => [
    {
      name: `${samplesWanted} crawls, one every ${paceMs} ms`,
      timeoutMs: 180_000,
      run: measured,
    },
  ],
};

async function measured(context: FaultContext): Promise<FaultFigures> {
  const { platform, load, limitMs } = context;
  const run = await platform.run();
  // From here on the pace is that of the name, on every machine.
  await load.stop();
  await register(platform, run);
  const visitor = openVisitor(platform.till);
  const viewer = startViewer(run);
  try {
    const sells = async () => (await visitor.visit({ path: '/', host })).status;
    await expect.poll(sells, { timeout: limitMs(20_000), interval: 50 }).toBe(402);
    const paidMs = await buy(platform, visitor);
    const missing = () => [...paidMs.keys()].filter((id) => !viewer.seenMs.has(id)).length;
    await expect.poll(missing, { timeout: limitMs(20_000), interval: 50 }).toBe(0);
    const delays = [...paidMs]
      .map(([id, atMs]) => (viewer.seenMs.get(id) ?? Number.POSITIVE_INFINITY) - atMs)
      .sort((a, b) => a - b);
    const at = (share: number) => Math.round(delays[Math.ceil(share * delays.length) - 1] ?? 0);
    const note = `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms of ${delays.length}`;
    expect(at(0.99), note).toBeLessThan(limitMs(visibleWithinMs));
    return { note };
  } finally {
    visitor.close();
    await viewer.close();
  }
}

/** A publisher of its own, so that nobody else's crawls stand among the newest. */
async function register(platform: FaultPlatform, { api, operator, chain }: RunFile): Promise<void> {
  const { network, asset } = chain;
  const put = async (path: string, body: object): Promise<void> => {
    const answer = await fetch(`${api}/v1/publishers/${publisherId}${path}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${operator.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(200);
  };
  const site = { name: 'Visible', hosts: [host], origin: platform.origin.origin };
  await put('', { ...site, network, asset, payTo: newWallet().address });
  await put('/price-book', { expectedVersion: 0, priceBook: defaultPriceBook('USD 0.001') });
}

/** Pays page after page at a steady pace; resolves to when each charge's page was in hand. */
async function buy({ people }: FaultPlatform, visitor: Visitor): Promise<Map<string, number>> {
  const paidMs = new Map<string, number>();
  const one = async (i: number): Promise<void> => {
    const wallet = people.crawlers[i % people.crawlers.length];
    if (wallet === undefined) return;
    const page = await visitor.pay(wallet, { path: `/seen/${i}.html`, host });
    const receipt = page.headers['payment-response'];
    const id = typeof receipt === 'string' ? receiptIn(receipt) : undefined;
    if (page.status === 200 && id !== undefined) paidMs.set(id, performance.now());
  };
  const buying: Promise<void>[] = [];
  for (let i = 0; i < samplesWanted; i += 1) {
    buying.push(one(i));
    await delay(paceMs);
  }
  await Promise.all(buying);
  expect(paidMs.size).toBe(samplesWanted);
  return paidMs;
}

interface Viewer {
  /** Charges by when the API showed them. */
  readonly seenMs: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

interface Shown {
  readonly crawls: readonly { readonly chargeId: string | null; readonly status: string }[];
}

/** Asks again and again for the newest crawls and the revenue, as somebody who waits for it. */
function startViewer(run: RunFile): Viewer {
  const seenMs = new Map<string, number>();
  const api = openReadApi(run, run.operator.token);
  const path = `/v1/publishers/${publisherId}`;
  let isOn = true;
  const look = async (): Promise<void> => {
    const [{ crawls }, { total }] = await Promise.all([
      api.get<Shown>(`${path}/crawls?limit=200`),
      api.get<{ total: { counts: { charges: number } } }>(`${path}/revenue`),
    ]);
    const nowMs = performance.now();
    for (const { chargeId: id, status } of crawls) {
      const isPaid = status === 'charged' || status === 'settled';
      if (id === null || !isPaid || seenMs.has(id)) continue;
      // Rows and totals are written apart: both must have it.
      if (seenMs.size < total.counts.charges) seenMs.set(id, nowMs);
    }
  };
  const looking = (async () => {
    while (isOn) {
      await look();
      await delay(lookEveryMs);
    }
  })();
  return {
    seenMs,
    async close() {
      isOn = false;
      await looking;
    },
  };
}
