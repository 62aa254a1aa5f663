import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newWallet } from '@paycrawl/testkit/devnet-actions';
import { type KafkaCluster, startKafka, wipeKafka } from '@paycrawl/testkit/kafka-broker';
import { HTTPFacilitatorClient } from '@x402/core/http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { payWithV2 } from './demo/paying-fetch.js';
import { auditLines, cleanVerdict } from './testing/audit-cli.js';
import { openReadApi } from './testing/read-api.js';
import { type SeparateServices, startSeparateServices } from './testing/separate-services.js';
import { openVisitor, signed } from './testing/visitor.js';
import { usdcBalance } from './usdc-balance.js';

// Every service in processes of their own over a broker of their own, most of them twice.

let directory: string;
let kafka: KafkaCluster;
let platform: SeparateServices;
const crawler = { headers: { 'user-agent': 'GPTBot/1.3' } };
const eventually = { timeout: 60_000, interval: 100 };
const members = [
  ...(['verifier-1', 'verifier-2', 'ingress-1', 'ingress-2'] as const),
  ...(['metering-1', 'metering-2', 'settlement-1', 'settlement-2', 'analytics-1'] as const),
];
let paidAtomic = 0n;
const pagePrice = 1_000n;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-kafka-'));
  kafka = await startKafka({ directory, nodes: 1 });
  platform = await startSeparateServices({ brokers: kafka.brokers, isEmpty: true });
}, 120_000);

afterAll(async () => {
  await platform?.remove();
  await wipeKafka(directory);
}, 60_000);

function serviceOf(instance: string) {
  return instance.slice(0, instance.indexOf('-')) as 'ingress';
}

/** Every crawler, so that every partition has somebody, pays for a page at this till. */
async function everybodyPays(instance: string, path: string): Promise<void> {
  await Promise.all(
    platform.people.crawlers.map(async (_, i) => {
      expect(await visit(i, instance, path)).toEqual([200, `page /${path}-${i}.html`]);
    }),
  );
  paidAtomic += pagePrice * BigInt(platform.people.crawlers.length);
}

/** The same where a 503 is right for a moment: a crawler comes back, and pays once all the same. */
async function everybodyPaysInTheEnd(instance: string, path: string): Promise<void> {
  await Promise.all(
    platform.people.crawlers.map((_, i) =>
      expect.poll(async () => (await visit(i, instance, path))[0], eventually).toBe(200),
    ),
  );
  paidAtomic += pagePrice * BigInt(platform.people.crawlers.length);
}

async function visit(i: number, instance: string, path: string): Promise<[number, string]> {
  const privateKey = platform.people.crawlers[i]?.privateKey ?? '0x';
  const { rpcUrl } = platform.devnet;
  const { fetch } = payWithV2({ privateKey, rpcUrl, budget: pagePrice });
  const answer = await fetch(`${platform.member(instance).origin}/${path}-${i}.html`, crawler);
  return [answer.status, await answer.text()];
}

async function readiness(instance: string) {
  const { operations } = platform.member(instance);
  const answer = await fetch(`${operations}/readyz`).catch(() => undefined);
  const body = (await answer?.json()) as { checks: Record<string, { reason?: string }> };
  return { status: answer?.status, reason: body?.checks['event-log']?.reason };
}

describe('services apart', () => {
  test('behavior: all of them wait for a broker that is not there yet, and say so', async () => {
    kafka.kill(0);
    for (const instance of members) await platform.fleet.start(serviceOf(instance), instance);
    for (const instance of members) {
      const waiting = { status: 503, reason: expect.stringContaining('the log does not answer') };
      await expect.poll(() => readiness(instance), eventually).toMatchObject(waiting);
      const { operations } = platform.member(instance);
      expect((await fetch(`${operations}/livez`)).status).toBe(200);
    }
    await kafka.start(0);
    await Promise.all(platform.fleet.members().map((one) => one.ready()));
  }, 180_000);

  test('behavior: published clients pay at both tills, whichever verifier decides', async () => {
    await everybodyPays('ingress-1', 'first');
    await Promise.all(['ingress-1', 'ingress-2'].map((till) => everybodyPays(till, `at-${till}`)));
  });

  test('behavior: a facilitator settles what another instance decides', async () => {
    const payTo = newWallet().address;
    const { chain } = await platform.run();
    const requirements = {
      ...{ scheme: 'exact', network: 'eip155:84532' as const, amount: '2500', payTo },
      ...{ asset: chain.asset, maxTimeoutSeconds: 300 },
      extra: { name: chain.name, version: chain.version },
    };
    const required = {
      ...{ x402Version: 2, accepts: [requirements] },
      resource: { url: 'https://elsewhere.example/report', description: '', mimeType: '' },
    };
    const settles = platform.people.crawlers.map(async (wallet, i) => {
      const url = platform.member(`verifier-${(i % 2) + 1}`).origin;
      const client = new HTTPFacilitatorClient({ url });
      const payload = await signed(wallet, required);
      expect(await client.verify(payload, requirements)).toMatchObject({ isValid: true });
      expect(await client.settle(payload, requirements)).toMatchObject({ success: true });
    });
    await Promise.all(settles);
    const settled = 2_500n * BigInt(platform.people.crawlers.length);
    expect(await usdcBalance(chain, payTo)).toBe(settled);
  }, 90_000);

  test('behavior: lanes and books go over to those who stay', async () => {
    for (const instance of ['settlement-2', 'metering-2']) {
      expect(await platform.member(instance).stop()).toEqual({ code: 0, signal: null });
    }
    await everybodyPays('ingress-2', 'after-the-handover');
  }, 60_000);

  test('behavior: a machine dies with its verifier; the others take over, and a new one joins', async () => {
    await platform.member('verifier-1').kill();
    const beganMs = performance.now();
    await everybodyPaysInTheEnd('ingress-1', 'after-the-verifier');
    const tookMs = Math.round(performance.now() - beganMs);
    process.stdout.write(`every partition decides again ${tookMs} ms after kill -9\n`);
    // On an empty disk: what it must know is in the log.
    const next = await platform.fleet.start('verifier', 'verifier-3');
    await next.ready();
    await everybodyPaysInTheEnd('ingress-2', 'beside-the-successor');
  }, 90_000);

  test('behavior: an ingress dies; the others and its successor go on', async () => {
    await platform.member('ingress-2').kill();
    await everybodyPays('ingress-1', 'beside-the-dead');
    const next = await platform.fleet.start('ingress', 'ingress-3');
    await next.ready();
    await everybodyPays('ingress-3', 'at-the-successor');
  }, 60_000);

  test('behavior: an operator registers a publisher, and every till serves it', async () => {
    const { api, operator, chain } = await platform.run();
    const headers = {
      authorization: `Bearer ${operator.token}`,
      'content-type': 'application/json',
    };
    const { network, asset } = chain;
    const site = { name: 'Second', hosts: ['second.example'], origin: platform.origin.origin };
    const body = JSON.stringify({ ...site, network, asset, payTo: newWallet().address });
    const answer = await fetch(`${api}/v1/publishers/second`, { method: 'PUT', headers, body });
    expect(answer.status).toBe(200);
    for (const till of ['ingress-1', 'ingress-3']) {
      const visitor = openVisitor(platform.member(till).origin);
      const visit = () => visitor.visit({ path: '/page.html', host: 'second.example' });
      await expect.poll(async () => (await visit()).status, eventually).toBe(200);
      visitor.close();
    }
  });

  test('behavior: all the money arrives on the chain, and the publisher sees it', async () => {
    const run = await platform.run();
    const balance = () => usdcBalance(run.chain, run.publisher.payTo);
    await expect.poll(balance, eventually).toBe(paidAtomic);
    const settled = async () => (await openReadApi(run).balance()).settled;
    await expect
      .poll(settled, eventually)
      .toMatchObject([{ amount: paidAtomic.toString(), decimals: 6 }]);
  }, 90_000);

  test('behavior: the audit finds nothing lost or doubled', async () => {
    await platform.run();
    const verdict = async () => (await auditLines(platform.directory, platform.environment)).at(-1);
    expect(await verdict()).toBe(cleanVerdict);
  }, 90_000);

  test('behavior: SIGTERM closes every one of them', async () => {
    const running = platform.fleet.members().filter((one) => !one.isGone());
    const endings = await Promise.all(
      running.map(async (one) => [one.instance, await one.stop()] as const),
    );
    // Two that were killed have successors, two were stopped before.
    expect(endings.length).toBe(members.length - 2);
    for (const [instance, ending] of endings) {
      expect(ending, instance).toEqual({ code: 0, signal: null });
    }
  }, 60_000);
});
