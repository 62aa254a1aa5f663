import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { decodePaymentResponseHeader, HTTPFacilitatorClient } from '@x402/core/http';
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { visitOf } from './demo/crawl.js';
import { payWithV1, payWithV2 } from './demo/paying-fetch.js';
import {
  type PlatformProcess,
  runToItsEnd,
  startPlatformProcess,
} from './testing/platform-process.js';
import { type Money, openReadApi, type ReadApi, sumOf } from './testing/read-api.js';
import { named, openVisitor, refusalOf, signed, type Visitor } from './testing/visitor.js';
import { usdcBalance } from './usdc-balance.js';

// The whole way with published clients: 402, payment, page, ledger, ClickHouse, chain.

let platform: PlatformProcess;
let api: ReadApi;
let visitor: Visitor;
const pages = ['/articles/serverless.html', '/articles/when-to-use.html'] as const;
const page = pages[0];
const crawler = { headers: { 'user-agent': 'GPTBot/1.3' } };
const eventually = { timeout: 40_000, interval: 100 };

async function started(flags: readonly string[] = []): Promise<void> {
  const dataDir = platform?.dataDir;
  platform = await startPlatformProcess({ flags, ...(dataDir === undefined ? {} : { dataDir }) });
  api = openReadApi(platform.run);
  visitor = openVisitor(platform.run.ingress);
}

beforeAll(() => started(), 120_000);

afterAll(async () => {
  visitor?.close();
  await platform?.remove();
});

function wallet(i: number): Wallet {
  return platform.run.wallets[i] as Wallet;
}

function budgetOf(i: number) {
  const { privateKey } = wallet(i);
  return { privateKey, rpcUrl: platform.run.chain.rpc, budget: 1_000_000n };
}

const revenue = (by: string) =>
  api.get<Revenue>(`/v1/publishers/${platform.run.publisher.id}/revenue?by=${by}`);

interface Revenue {
  readonly total: { readonly charged: readonly Money[]; readonly settled: readonly Money[] };
  readonly rows: readonly {
    readonly key: string;
    readonly totals: { readonly charged: readonly Money[] };
  }[];
}

interface CrawlDetail {
  readonly crawl: { readonly status: string; readonly transaction: string };
  readonly events: readonly {
    readonly topic: string;
    readonly type: string;
    readonly at: string;
  }[];
  readonly settlement: { readonly transaction: string; readonly status: string };
}

async function crawls(query: string): Promise<readonly { id: string; chargeId: string }[]> {
  const path = `/v1/publishers/${platform.run.publisher.id}/crawls?${query}`;
  return (await api.get<{ crawls: { id: string; chargeId: string }[] }>(path)).crawls;
}

describe('one crawl, from the 402 to the money', () => {
  test('behavior: a person reads for nothing, a crawler is asked to pay', async () => {
    const person = { headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' } };
    expect((await fetch(`${platform.run.ingress}${page}`, person)).status).toBe(200);
    expect((await fetch(`${platform.run.ingress}${page}`, crawler)).status).toBe(402);
  });

  test('behavior: @x402/fetch (v2) and x402-fetch (v1) pay and get the page', async () => {
    for (const paying of [payWithV2(budgetOf(0)), payWithV1(budgetOf(1))]) {
      const response = await paying.fetch(`${platform.run.ingress}${page}`, crawler);
      expect(response.status).toBe(200);
      expect(await visitOf(response)).toMatchObject({ kind: 'paid' });
    }
  });

  test('behavior: another crawler pays for another page', async () => {
    const paid = await payWithV2(budgetOf(0)).fetch(`${platform.run.ingress}${pages[1]}`, {
      headers: { 'user-agent': 'ClaudeBot/1.0' },
    });
    expect(await visitOf(paid)).toMatchObject({ kind: 'paid' });
  });

  test('behavior: the money is in the ledger, in the API and at the address on chain', async () => {
    await expect
      .poll(async () => (await api.balance()).settled, eventually)
      .toMatchObject([{ amount: '3000', decimals: 6 }]);
    expect((await api.balance()).charged).toMatchObject([{ amount: '3000' }]);
    expect(await usdcBalance(platform.run.chain, platform.run.publisher.payTo)).toBe(3000n);
  }, 60_000);

  test('behavior: revenue is the same figure however it is cut', async () => {
    const amounts = async (by: string) =>
      (await revenue(by)).rows
        .map(({ key, totals }) => [key, String(sumOf(totals.charged))])
        // A challenge without a proof has no dialect, and earned nothing.
        .filter(([key]) => key !== '');
    const byCrawler = [
      ['GPTBot', '2000'],
      ['ClaudeBot', '1000'],
    ];
    expect(await amounts('crawler')).toEqual(byCrawler);
    expect(await amounts('path')).toEqual([
      [page, '2000'],
      [pages[1], '1000'],
    ]);
    expect(await amounts('dialect')).toEqual([
      ['x402-v2-exact', '2000'],
      ['x402-v1-exact', '1000'],
    ]);
    for (const by of ['day', 'hour']) {
      const { total, rows } = await revenue(by);
      expect(sumOf(total.charged), by).toBe(3000n);
      expect(sumOf(rows.flatMap(({ totals }) => totals.charged)), by).toBe(3000n);
    }
    await expect
      .poll(async () => sumOf((await revenue('day')).total.settled), eventually)
      .toBe(3000n);
  });

  test('behavior: a crawl tells every event in order, up to its settlement', async () => {
    const [first] = await crawls('dialect=x402-v2-exact&crawler=GPTBot&status=settled');
    const { crawl, events, settlement } = await api.get<CrawlDetail>(`/v1/crawls/${first?.id}`);
    // What settlement reports through `payments` is relayed to `decisions`: it is told once here.
    const types = events
      .filter(({ topic, type }) => !topic.startsWith('payments') || !type.startsWith('Charge'))
      .map(({ type }) => type.split('.')[0]);
    const way = [
      ...['ChallengeIssued', 'ProofReceived', 'PaymentAccepted', 'CrawlDelivered', 'ChargePosted'],
      ...['BatchSealed', 'BatchSubmitted', 'BatchConfirmed', 'ChargeSettled'],
    ];
    const told = types.filter((type) => way.includes(type as string));
    expect(told.slice(0, -2)).toEqual(way.slice(0, -2));
    // Both follow from one observation, in topics of their own.
    expect(told.slice(-2).sort()).toEqual(way.slice(-2));
    // An output may become durable after the next input, so times rise within each topic only.
    for (const topic of new Set(events.map((event) => event.topic))) {
      const times = events.filter((event) => event.topic === topic).map(({ at }) => at);
      expect(times).toEqual([...times].sort());
    }
    expect(settlement.status).toBe('confirmed');
    expect(settlement.transaction).toMatch(/^0x[0-9a-f]{64}$/);
    expect(crawl).toMatchObject({ status: 'settled', transaction: settlement.transaction });
    const receipt = await fetch(platform.run.chain.rpc, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ jsonrpc: '2.0', id: 1, method: 'eth_getTransactionReceipt' },
        params: [settlement.transaction],
      }),
    });
    expect(await receipt.json()).toMatchObject({ result: { status: '0x1' } });
  });
});

describe('payment identifiers', () => {
  test('behavior: same id and payload, same outcome; another payload is a conflict', async () => {
    const visit = { path: page };
    const payload = await signed(wallet(2), await visitor.offer(visit));
    const id = 'pay_0123456789abcdef';
    const before = sumOf((await api.balance()).charged);
    const first = await visitor.present(named(payload, id), visit);
    const again = await visitor.present(named(payload, id), visit);
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.body).toBe(first.body);
    expect(again.headers['payment-response']).toBe(first.headers['payment-response']);
    const other = await signed(wallet(2), await visitor.offer(visit));
    const conflict = await visitor.present(named(other, id), visit);
    expect(conflict.status).toBe(409);
    expect(refusalOf(conflict)).toBe('payment_identifier_conflict');
    // The conflict did not spend the second authorization.
    expect((await visitor.present(named(other), visit)).status).toBe(200);
    await expect
      .poll(async () => sumOf((await api.balance()).charged) - before, eventually)
      .toBe(2000n);
  });

  test('behavior: the receipt names the charge, and the crawl can be found by it', async () => {
    const paid = await visitor.pay(wallet(2), { path: pages[1] });
    const receipt = decodePaymentResponseHeader(String(paid.headers['payment-response']));
    expect(receipt).toMatchObject({ success: true, transaction: '', network: 'eip155:84532' });
    const { commitmentId } = receipt.extra as { commitmentId: string };
    const payer = `eip155:84532:${wallet(2).address.toLowerCase()}`;
    await expect
      .poll(
        async () => (await crawls(`payer=${payer}`)).map(({ chargeId }) => chargeId),
        eventually,
      )
      .toContain(commitmentId);
  });
});

interface Settlement {
  readonly transaction: string | null;
  readonly charges: number;
  readonly gas: Money | null;
}

interface AccountBalance {
  readonly account: string;
  readonly balance: Money;
}

describe('facilitator, for resource servers elsewhere', () => {
  const operator = () => openReadApi(platform.run, platform.run.operator.token);
  const payTo = `0x${'5e'.repeat(20)}`;
  const client = () => new HTTPFacilitatorClient({ url: platform.run.facilitator });

  async function payment(): Promise<[PaymentPayload, PaymentRequirements]> {
    const requirements = {
      ...{ scheme: 'exact', network: 'eip155:84532' as const, amount: '2500', payTo },
      ...{ asset: platform.run.chain.asset, maxTimeoutSeconds: 300 },
      extra: { name: platform.run.chain.name, version: platform.run.chain.version },
    };
    const required = {
      ...{ x402Version: 2, accepts: [requirements] },
      resource: { url: 'https://elsewhere.example/report', description: '', mimeType: '' },
    };
    return [await signed(wallet(3), required), requirements];
  }

  async function gasOfOneCharge(transaction: string): Promise<bigint> {
    const ofBatch = async () => {
      const { settlements } = await operator().get<{ settlements: Settlement[] }>(
        '/v1/settlements',
      );
      return settlements.find((one) => one.transaction === transaction);
    };
    await expect.poll(ofBatch, eventually).toMatchObject({ gas: { decimals: 18 } });
    const batch = await ofBatch();
    return BigInt(batch?.gas?.amount ?? 0) / BigInt(batch?.charges ?? 1);
  }

  async function accountBalances(): Promise<Record<string, bigint>> {
    const path = '/v1/accounts/facilitator:open/balance';
    const { accounts } = await operator().get<{ accounts: AccountBalance[] }>(path);
    return Object.fromEntries(accounts.map((one) => [one.account, BigInt(one.balance.amount)]));
  }

  test('behavior: the published client is told what is supported', async () => {
    const { kinds } = await client().getSupported();
    const asked = { scheme: 'exact', network: 'eip155:84532', x402Version: 2 };
    expect(kinds).toContainEqual(expect.objectContaining(asked));
  });

  test('behavior: it verifies, settles once, and is told the stored state again', async () => {
    const [payload, requirements] = await payment();
    expect(await client().verify(payload, requirements)).toMatchObject({ isValid: true });
    const settled = await client().settle(payload, requirements);
    expect(settled).toMatchObject({ success: true, network: 'eip155:84532' });
    expect(settled.transaction).toMatch(/^0x[0-9a-f]{64}$/);
    expect(await usdcBalance(platform.run.chain, payTo)).toBe(2500n);
    expect(await client().settle(payload, requirements)).toEqual(settled);
    expect(await client().verify(payload, requirements)).toMatchObject({ isValid: false });
    expect(await usdcBalance(platform.run.chain, payTo)).toBe(2500n);
    // Who brings no key here is the account "open": it bears the gas, and not the platform.
    const gasWei = await gasOfOneCharge(settled.transaction);
    expect(gasWei).toBeGreaterThan(0n);
    await expect.poll(accountBalances, eventually).toMatchObject({
      ...{ clearing: 0n, gas_receivable: gasWei },
    });
  }, 60_000);

  test('error: invalid_exact_evm_signature', async () => {
    const [payload, requirements] = await payment();
    const inner = payload.payload as { authorization: object };
    const stranger = { ...inner.authorization, from: wallet(4).address };
    const forged = { ...payload, payload: { ...inner, authorization: stranger } };
    const answer = await client().verify(forged, requirements);
    expect(answer).toMatchObject({
      ...{ isValid: false, invalidReason: 'invalid_exact_evm_signature' },
    });
  });
});

describe('operations', () => {
  test('behavior: probes, metrics and the OpenAPI document are served', async () => {
    const { api: apiUrl, facilitator } = platform.run;
    for (const origin of [apiUrl, facilitator]) {
      for (const path of ['/livez', '/readyz']) {
        const response = await fetch(`${origin}${path}`);
        expect([response.status, await response.json()], path).toMatchObject([
          200,
          { status: 'ok' },
        ]);
      }
      const metrics = await (await fetch(`${origin}/metrics`)).text();
      expect(metrics).toMatch(/^process_cpu_seconds_total/m);
      const own = origin === apiUrl ? 'paycrawl_reconciliation_differences' : 'paycrawl_ingress';
      expect(metrics).toMatch(new RegExp(`^# HELP ${own}`, 'm'));
    }
    const openapi = (await (await fetch(`${apiUrl}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, object>;
    };
    expect(openapi.openapi).toMatch(/^3\./);
    expect(Object.keys(openapi.paths)).toEqual(
      expect.arrayContaining(['/v1/crawls/{id}', '/v1/publishers/{id}/revenue']),
    );
  });

  test('behavior: the books agree, and only the operator may ask', async () => {
    const operator = openReadApi(platform.run, platform.run.operator.token);
    await expect
      .poll(async () => (await operator.get<{ outcome: string }>('/v1/reconciliation')).outcome, {
        ...{ timeout: 60_000, interval: 500 },
      })
      .toBe('equal');
    expect(await api.status('/v1/reconciliation')).toBe(403);
    expect(await api.status('/v1/publishers/somebody-else/balance')).toBe(403);
    expect(await openReadApi(platform.run, 'guess').status('/v1/session')).toBe(401);
  }, 90_000);
});

describe('start and stop', () => {
  const runFile = () => join(platform.dataDir, 'run.json');

  test('behavior: run.json holds what scripts need, for its owner only', async () => {
    const text = expect.stringMatching(/./);
    const url = expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/);
    const address = expect.stringMatching(/^0x[0-9a-fA-F]{40}$/);
    expect(platform.run).toEqual({
      pid: expect.any(Number),
      ...{ ingress: url, api: url, console: url, facilitator: url },
      chain: {
        ...{ rpc: url, network: 'eip155:84532', name: 'USDC', version: '2' },
        asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
      },
      publisher: { id: text, payTo: address, token: text },
      operator: { token: text },
      wallets: expect.any(Array),
    });
    expect(platform.run.wallets.length).toBeGreaterThanOrEqual(5);
    for (const { address: owner, ...rest } of platform.run.wallets) {
      expect(rest).toEqual({ privateKey: expect.stringMatching(/^0x[0-9a-f]{64}$/) });
      expect(await usdcBalance(platform.run.chain, owner)).toBeGreaterThan(1_000_000n);
    }
    expect((await stat(runFile())).mode & 0o777).toBe(0o600);
  });

  test('error: data_dir_in_use', async () => {
    const second = await runToItsEnd({ dataDir: platform.dataDir });
    expect(second.code).toBe(1);
    expect(second.said).toContain(`Process ${platform.pid} already uses the data folder.`);
    expect(second.said).not.toMatch(/at .*\.js:\d+/);
    expect((await stat(runFile())).isFile()).toBe(true);
    expect((await visitor.visit({ path: page })).status).toBe(402);
  }, 60_000);

  test('behavior: after kill -9 and a new start all numbers are the same', async () => {
    const before = await api.balance();
    const byCrawler = await revenue('crawler');
    await platform.kill();
    const left = await readFile(runFile(), 'utf8');
    await started();
    expect(await readFile(runFile(), 'utf8')).not.toBe(left);
    expect(await api.balance()).toMatchObject({ charged: before.charged });
    const rows = await revenue('crawler');
    expect(sumOf(rows.total.charged)).toBe(sumOf(byCrawler.total.charged));
    const paid = await payWithV2(budgetOf(4)).fetch(`${platform.run.ingress}${page}`, crawler);
    expect(await visitOf(paid)).toMatchObject({ kind: 'paid' });
    await expect
      .poll(async () => sumOf((await api.balance()).charged), eventually)
      .toBe(sumOf(before.charged) + 1000n);
  }, 90_000);

  test('behavior: SIGTERM ends it cleanly, takes run.json away and keeps the data', async () => {
    await expect.poll(async () => (await api.balance()).owed, eventually).toEqual([]);
    const before = await api.balance();
    await platform.stop();
    expect(await platform.ended()).toEqual({ code: 0, signal: null });
    await expect(stat(runFile())).rejects.toThrow('ENOENT');
    await started();
    expect(await api.balance()).toEqual(before);
  }, 120_000);

  test('behavior: --fresh begins with nothing, on a new chain', async () => {
    const before = platform.run;
    await platform.stop();
    await started(['--fresh']);
    expect(await api.balance()).toMatchObject({ charged: [], settled: [] });
    expect(await usdcBalance(platform.run.chain, before.publisher.payTo)).toBe(0n);
    const paid = await visitor.pay(wallet(0), { path: page });
    expect(paid.status).toBe(200);
  }, 120_000);
});
