import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { payWithV2 } from './demo/paying-fetch.js';
import { type SeparateServices, startSeparateServices } from './testing/separate-services.js';
import { usdcBalance } from './usdc-balance.js';

// Every service in processes of their own over a real broker: two tills, two verifiers.

declare module 'vitest' {
  interface ProvidedContext {
    kafkaBrokers: readonly string[];
  }
}

let platform: SeparateServices;
const crawler = { headers: { 'user-agent': 'GPTBot/1.3' } };
const eventually = { timeout: 60_000, interval: 100 };
const pagesEach = 4;

beforeAll(async () => {
  const instances = { ingress: 2, verifier: 2 };
  platform = await startSeparateServices({ brokers: inject('kafkaBrokers'), instances });
}, 120_000);

afterAll(() => platform?.remove(), 60_000);

function crawlerOf(i: number) {
  const privateKey = platform.people.crawlers[i]?.privateKey ?? '0x';
  return payWithV2({ privateKey, rpcUrl: platform.devnet.rpcUrl, budget: 1_000_000n });
}

describe('services apart', () => {
  test('behavior: published clients pay at both tills, whichever verifier decides', async () => {
    const pays = platform.people.crawlers.map(async (_, i) => {
      const till = platform.member(`ingress-${(i % 2) + 1}`).origin;
      const { fetch } = crawlerOf(i);
      for (let n = 0; n < pagesEach; n += 1) {
        const answer = await fetch(`${till}/page-${i}-${n}.html`, crawler);
        expect(answer.status).toBe(200);
        expect(await answer.text()).toBe(`page /page-${i}-${n}.html`);
      }
    });
    await Promise.all(pays);
  });

  test('behavior: the money arrives on the chain', async () => {
    const paid = BigInt(platform.people.crawlers.length * pagesEach) * 1_000n;
    const { devnet, people } = platform;
    const chain = { rpc: devnet.rpcUrl, asset: devnet.usdc };
    await expect.poll(() => usdcBalance(chain, people.publisher.address), eventually).toBe(paid);
  });

  test('behavior: SIGTERM closes every one of them', async () => {
    const endings = await Promise.all(
      platform.fleet.members().map(async (one) => [one.instance, await one.stop()] as const),
    );
    for (const [instance, ending] of endings) {
      expect(ending, instance).toEqual({ code: 0, signal: null });
    }
  });
});
