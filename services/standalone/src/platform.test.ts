import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { visitOf } from './demo/crawl.js';
import { payWithV1, payWithV2 } from './demo/paying-fetch.js';
import { type PlatformProcess, startPlatformProcess } from './testing/platform-process.js';
import { usdcBalance } from './usdc-balance.js';

// The whole way with published clients: 402, payment, page, ledger, ClickHouse, chain.

let platform: PlatformProcess;
const page = '/articles/serverless.html';
const crawler = { headers: { 'user-agent': 'GPTBot/1.3' } };

beforeAll(async () => {
  platform = await startPlatformProcess();
}, 120_000);

afterAll(async () => {
  await platform?.remove();
});

interface Balance {
  readonly charged: readonly { readonly amount: string }[];
  readonly settled: readonly { readonly amount: string }[];
}

async function api<Body>(path: string, token = platform.run.publisher.token): Promise<Body> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${platform.run.api}${path}`, { headers });
  expect(response.status, path).toBe(200);
  return (await response.json()) as Body;
}

const balance = (): Promise<Balance> => api(`/v1/publishers/${platform.run.publisher.id}/balance`);

function wallet(i: number) {
  const { privateKey } = platform.run.wallets[i] as { privateKey: `0x${string}` };
  return { privateKey, rpcUrl: platform.run.chain.rpc, budget: 1_000_000n };
}

describe('one crawl, from the 402 to the money', () => {
  test('behavior: a person reads for nothing, a crawler is asked to pay', async () => {
    const person = { headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' } };
    expect((await fetch(`${platform.run.ingress}${page}`, person)).status).toBe(200);
    expect((await fetch(`${platform.run.ingress}${page}`, crawler)).status).toBe(402);
  });

  test('behavior: @x402/fetch (v2) and x402-fetch (v1) pay and get the page', async () => {
    for (const paying of [payWithV2(wallet(0)), payWithV1(wallet(1))]) {
      const response = await paying.fetch(`${platform.run.ingress}${page}`, crawler);
      expect(response.status).toBe(200);
      expect(await visitOf(response)).toMatchObject({ kind: 'paid' });
    }
  });

  test('behavior: the money is in the ledger, in the API and at the address on chain', async () => {
    await expect
      .poll(async () => (await balance()).settled, { timeout: 40_000, interval: 250 })
      .toMatchObject([{ amount: '2000' }]);
    expect((await balance()).charged).toMatchObject([{ amount: '2000' }]);
    expect(await usdcBalance(platform.run.chain, platform.run.publisher.payTo)).toBe(2000n);
  }, 60_000);

  test('behavior: after kill -9 and a new start all numbers are the same', async () => {
    const before = await balance();
    await platform.kill();
    platform = await startPlatformProcess({ dataDir: platform.dataDir });
    expect(await balance()).toMatchObject({ charged: before.charged, settled: before.settled });
    const response = await payWithV2(wallet(2)).fetch(`${platform.run.ingress}${page}`, crawler);
    expect(await visitOf(response)).toMatchObject({ kind: 'paid' });
  }, 90_000);
});
