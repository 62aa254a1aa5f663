import { fail } from '@paycrawl/errors/paycrawl-error';
import { newWallet } from '@paycrawl/testkit/devnet-actions';
import type { Hex } from 'viem';
import type { RunFile } from '../run-file.js';
import { usdcBalance } from '../usdc-balance.js';
import { type CrawlTally, count, crawl, linksOf, tally, visitOf } from './crawl.js';
import { type PayingFetch, payWithV1, payWithV2 } from './paying-fetch.js';
import { showProgress } from './progress.js';
import type { DemoReport } from './report.js';

const browserAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
/** Settlement needs a batch age and the finality depth; beyond this something is wrong. */
const settleTimeoutMs = 90_000;
const settlePollMs = 500;

/** A bounded crawl of the demo site by published clients; shows its progress on stderr. */
export async function runDemo(run: RunFile): Promise<DemoReport> {
  const startedMs = performance.now();
  const before = await readMoney(run);
  const tallies = await crawlSite(run);
  const after = await waitUntilSettled(run);
  return {
    tallies,
    ...after,
    batches: after.batches - before.batches,
    gasWei: after.gasWei - before.gasWei,
    seconds: Math.round((performance.now() - startedMs) / 1000),
  };
}

async function crawlSite(run: RunFile): Promise<CrawlTally[]> {
  const index = await fetch(run.ingress, { headers: { 'user-agent': browserAgent } });
  const paths = linksOf(await index.text());
  const [first, second, third, fourth] = run.wallets.map(({ privateKey }) => privateKey as Hex);
  if (!first || !second || !third || !fourth) return [];
  const rpcUrl = run.chain.rpc;
  const progress = showProgress();
  const walk = async (name: string, client: string, userAgent: string, paying?: PayingFetch) => {
    const counted = tally(name, client);
    const step = progress.begin(name, paths.length);
    const crawler = paying ? { userAgent, paying } : { userAgent };
    await crawl(run.ingress, paths, crawler, counted, step.increment);
    step.end();
    return counted;
  };
  const v2 = (privateKey: Hex, budget: bigint) => payWithV2({ privateKey, rpcUrl, budget });
  const v1 = (privateKey: Hex, budget: bigint) => payWithV1({ privateKey, rpcUrl, budget });
  const penniless = newWallet().privateKey;
  const tallies = await Promise.all([
    walk('GPTBot', '@x402/fetch, $1.00', 'GPTBot/1.3', v2(first, 1_000_000n)),
    walk('ClaudeBot', 'x402-fetch, $1.00', 'ClaudeBot/1.0', v1(second, 1_000_000n)),
    walk('PerplexityBot', '@x402/fetch, $0.01', 'PerplexityBot/1.0', v2(third, 10_000n)),
    walk('CCBot', 'never pays', 'CCBot/2.0'),
    walk('Amazonbot', '@x402/fetch, no funds', 'Amazonbot/0.1', v2(penniless, 2_000n)),
    walk('a person', 'browser', browserAgent),
    replay(run, paths, fourth),
  ]);
  progress.stop();
  return tallies;
}

/** Pays for one page, then presents the very same proof again: there, and at other pages. */
async function replay(run: RunFile, paths: readonly string[], key: Hex): Promise<CrawlTally> {
  const counted = tally('Bytespider', 'replays its proof');
  const userAgent = 'Bytespider';
  const init = { headers: { 'user-agent': userAgent } };
  const priced = paths.find((path) => path.startsWith('/articles/')) ?? paths[0] ?? '/';
  const others = paths.filter((path) => path.startsWith('/articles/') && path !== priced);
  let proof = '';
  const spying: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    proof = request.headers.get('payment-signature') ?? proof;
    return fetch(request);
  };
  const paying = payWithV2({
    privateKey: key,
    rpcUrl: run.chain.rpc,
    budget: 1_000_000n,
    through: spying,
  });
  const present = async (path: string): Promise<void> => {
    const headers = { 'user-agent': userAgent, 'payment-signature': proof };
    const outcome = await visitOf(await fetch(`${run.ingress}${path}`, { headers }));
    counted.pages += 1;
    if (outcome.kind === 'refused') count(counted, outcome.reason);
    else counted.bytes += outcome.bytes;
  };
  const first = await visitOf(await paying.fetch(`${run.ingress}${priced}`, init));
  counted.pages += 1;
  if (first.kind === 'paid') counted.paid += 1;
  await present(priced);
  for (const path of others.slice(0, 3)) await present(path);
  return counted;
}

interface DemoMoney {
  readonly revenueAtomic: bigint;
  readonly settledAtomic: bigint;
  readonly onChainAtomic: bigint;
  readonly batches: number;
  readonly gasWei: bigint;
}

/** Until everything charged is settled and stands on chain, or the time is up. */
async function waitUntilSettled(run: RunFile): Promise<DemoMoney> {
  const progress = showProgress();
  const step = progress.begin('settling µUSDC', 1);
  const deadlineMs = performance.now() + settleTimeoutMs;
  for (;;) {
    const money = await readMoney(run);
    step.update(Number(money.onChainAtomic), Number(money.revenueAtomic));
    const isSettled =
      money.settledAtomic === money.revenueAtomic && money.onChainAtomic >= money.settledAtomic;
    if ((isSettled && money.revenueAtomic > 0n) || performance.now() > deadlineMs) {
      step.end();
      progress.stop();
      return money;
    }
    await new Promise((resolve) => setTimeout(resolve, settlePollMs));
  }
}

async function readMoney(run: RunFile): Promise<DemoMoney> {
  const balance = await getJson<ApiBalance>(run, `/v1/publishers/${run.publisher.id}/balance`);
  const batches = await readBatches(run);
  return {
    revenueAtomic: sumOf(balance.charged),
    settledAtomic: sumOf(balance.settled),
    onChainAtomic: await usdcBalance(run.chain, run.publisher.payTo),
    batches: batches.length,
    gasWei: batches.reduce((sum, { gas }) => sum + BigInt(gas?.amount ?? 0), 0n),
  };
}

interface ApiMoney {
  readonly amount: string;
}
interface ApiBalance {
  readonly charged: readonly ApiMoney[];
  readonly settled: readonly ApiMoney[];
}
interface ApiSettlements {
  readonly settlements: readonly { readonly gas: ApiMoney | null }[];
  readonly next: string | null;
}

async function readBatches(run: RunFile): Promise<ApiSettlements['settlements'][number][]> {
  const batches: ApiSettlements['settlements'][number][] = [];
  let cursor = '';
  for (;;) {
    const page = await getJson<ApiSettlements>(run, `/v1/settlements?limit=200${cursor}`);
    batches.push(...page.settlements);
    if (page.next === null) return batches;
    cursor = `&cursor=${encodeURIComponent(page.next)}`;
  }
}

function sumOf(monies: readonly ApiMoney[]): bigint {
  return monies.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
}

async function getJson<Body>(run: RunFile, path: string): Promise<Body> {
  const headers = { authorization: `Bearer ${run.operator.token}` };
  const response = await fetch(`${run.api}${path}`, { headers });
  if (!response.ok) throw fail('demo_failed', `${path}: HTTP ${response.status}`);
  return (await response.json()) as Body;
}
