import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Devnet, startDevnet } from '@paycrawl/testkit/devnet';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { type SlowProxy, startSlowProxy } from '@paycrawl/testkit/slow-proxy';
import type { Hex } from 'viem';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { auditLines, cleanVerdict } from './testing/audit-cli.js';
import { type LogView, openLogView } from './testing/log-view.js';
import {
  type PlatformProcess,
  runToItsEnd,
  startPlatformProcess,
} from './testing/platform-process.js';
import { openReadApi, sumOf } from './testing/read-api.js';
import { openVisitor, refusalOf, type Visitor } from './testing/visitor.js';
import { usdcBalance } from './usdc-balance.js';

// Faults of the chain and of the way to it: batches wait and finish, nothing is paid twice.

let devnet: Devnet;
let proxy: SlowProxy;
let platform: PlatformProcess;
let visitor: Visitor;
let view: LogView;

const path = '/articles/serverless.html';
const eventually = { timeout: 45_000, interval: 100 };
const environment = {
  ...{ SETTLEMENT_BATCH_AGE_MAX_MS: '200', SETTLEMENT_RESEND_AFTER_MS: '1500' },
  // Below the depth of the reorganisation that follows: no fact is made of it.
  CHAIN_FINALITY_DEPTH: '4',
};

beforeAll(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'paycrawl-'));
  const directory = join(dataDir, 'devnet');
  devnet = await startDevnet({ directory });
  proxy = await startSlowProxy(devnet.rpcUrl);
  // The platform finds the devnet behind the proxy.
  const record = join(directory, 'devnet.json');
  const written = JSON.parse(await readFile(record, 'utf8')) as { port: number };
  const port = Number.parseInt(new URL(proxy.url).port, 10);
  await writeFile(record, JSON.stringify({ ...written, port }));
  platform = await startPlatformProcess({ dataDir, environment });
  visitor = openVisitor(platform.run.ingress);
  view = openLogView(dataDir);
}, 120_000);

afterEach(() => proxy.set({ kind: 'pass' }));

afterAll(async () => {
  visitor?.close();
  await view?.close();
  await platform?.kill();
  await proxy?.close();
  await devnet?.stop();
  if (platform !== undefined) await rm(platform.dataDir, { recursive: true, force: true });
});

const wallet = (i: number) => platform.run.wallets[i] as Wallet;
const balance = () => openReadApi(platform.run).balance();
const batchesSubmitted = async () =>
  (await view.events('settlements')).filter(({ type }) => type === 'BatchSubmitted').length;

async function buy(i = 0): Promise<void> {
  expect((await visitor.pay(wallet(i), { path })).status).toBe(200);
}

/** Everything charged so far is settled, once, and stands at the publisher's address. */
async function allSettled(charged: bigint): Promise<void> {
  await expect.poll(async () => sumOf((await balance()).settled), eventually).toBe(charged);
  expect(sumOf((await balance()).charged)).toBe(charged);
  const onChain = await usdcBalance({ ...platform.run.chain, rpc: devnet.rpcUrl }, payTo());
  expect(onChain).toBe(charged);
}

const payTo = () => platform.run.publisher.payTo;

interface Readiness {
  readonly checks: Readonly<Record<string, { readonly status: string; readonly reason?: string }>>;
}

async function trouble(): Promise<string> {
  const response = await fetch(`${platform.run.api}/readyz`);
  const { checks } = (await response.json()) as Readiness;
  return `${response.status} ${checks.settlement?.reason ?? checks.settlement?.status}`;
}

async function trouble503(): Promise<void> {
  await expect.poll(trouble, eventually).toMatch(/^503 (?!no answer)./);
}

async function untroubled(): Promise<void> {
  await expect.poll(trouble, eventually).toBe('200 ok');
}

describe('the chain', () => {
  test('behavior: away: known payers go on, batches wait, readiness tells, then all settles', async () => {
    await buy();
    proxy.set({ kind: 'cut' });
    await buy();
    await trouble503();
    expect(await trouble()).toMatch(/chain/i);
    // Nobody knows the funds of this one: come again, and do not sign again.
    const unknown = await visitor.pay(wallet(1), { path });
    expect([unknown.status, refusalOf(unknown)]).toEqual([503, 'funds_unknown']);
    expect(unknown.headers['retry-after']).toMatch(/^\d+$/);
    proxy.set({ kind: 'pass' });
    await untroubled();
    await allSettled(2000n);
    await buy(1);
    await allSettled(3000n);
  }, 120_000);

  test('behavior: a node that stands still', async () => {
    process.kill(devnet.pid, 'SIGSTOP');
    try {
      await buy();
      await trouble503();
    } finally {
      process.kill(devnet.pid, 'SIGCONT');
    }
    await untroubled();
    await allSettled(4000n);
  }, 120_000);

  test('behavior: answers that are lost after the node took the transaction', async () => {
    proxy.set({ kind: 'lose_answer' });
    await buy();
    await trouble503();
    proxy.set({ kind: 'pass' });
    await allSettled(5000n);
  }, 120_000);

  test('behavior: a node that lies about receipts', async () => {
    let lies = 0;
    proxy.set({
      kind: 'rewrite',
      rewrite: (request, answer) => {
        if (!request.includes('eth_getTransactionReceipt')) return answer;
        lies += 1;
        return answer.replaceAll('"status":"0x1"', '"status":"0x0"');
      },
    });
    await buy();
    await expect.poll(() => lies, eventually).toBeGreaterThan(1);
    proxy.set({ kind: 'pass' });
    await allSettled(6000n);
  }, 120_000);

  test('behavior: a transaction that the node forgot is sent again', async () => {
    await devnet.setInterval(0);
    const before = await batchesSubmitted();
    await buy();
    await expect.poll(batchesSubmitted, eventually).toBe(before + 1);
    // A record of it may be read a moment before the node shows it.
    await expect.poll(pending, eventually).toHaveLength(1);
    const [waiting] = await pending();
    await devnet.dropTransaction(waiting as Hex);
    expect(await pending()).not.toContain(waiting);
    await expect.poll(pending, eventually).toContain(waiting);
    await devnet.setInterval(1);
    await allSettled(7000n);
  }, 120_000);

  test('behavior: a reorganisation of three blocks takes the batch back, and it comes again', async () => {
    const before = await usdcBalance({ ...platform.run.chain, rpc: devnet.rpcUrl }, payTo());
    const onChain = () => usdcBalance({ ...platform.run.chain, rpc: devnet.rpcUrl }, payTo());
    await buy();
    await expect.poll(onChain, eventually).toBe(before + 1000n);
    await devnet.setInterval(0);
    await devnet.reorg(3);
    expect(await onChain()).toBe(before);
    await devnet.setInterval(1);
    await allSettled(8000n);
  }, 120_000);

  test('behavior: signers without gas wait for it, and readiness names the cause', async () => {
    const { signers } = (await (await fetch(`${platform.run.facilitator}/supported`)).json()) as {
      signers: Record<string, Hex[]>;
    };
    const lanes = signers['eip155:*'] ?? [];
    expect(lanes.length).toBeGreaterThan(0);
    for (const address of lanes) await devnet.setEth(address, 0n);
    await buy();
    await expect.poll(trouble, eventually).toMatch(/^503 .*gas/);
    for (const address of lanes) await devnet.setEth(address, 10n ** 18n);
    await untroubled();
    await allSettled(9000n);
  }, 120_000);

  test('behavior: after all that the audit finds nothing', async () => {
    expect((await auditLines(platform.dataDir)).at(-1)).toBe(cleanVerdict);
  }, 60_000);

  test('error: devnet_lost', async () => {
    await platform.stop();
    process.kill(devnet.pid, 'SIGKILL');
    const { dataDir } = platform;
    const ending = await runToItsEnd({ dataDir });
    expect(ending.code).toBe(1);
    expect(ending.said).toContain('--fresh');
    expect(ending.said).not.toMatch(/at .*\.js:\d+/);
  }, 120_000);
});

async function pending(): Promise<Hex[]> {
  const pool = await devnet.rpc<{ pending: Record<string, Record<string, { hash: Hex }>> }>(
    'txpool_content',
  );
  return Object.values(pool.pending).flatMap((byNonce) =>
    Object.values(byNonce).map(({ hash }) => hash),
  );
}
