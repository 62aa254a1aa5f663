import { setTimeout as delay } from 'node:timers/promises';
import { toQuantity } from '@paycrawl/testkit/devnet-rpc';
import { expect } from 'vitest';
import { readEvents } from '../../testing/log-view.js';
import { onChain, seconds, settledOnce } from '../books.js';
import type { FaultCase, FaultContext, FaultRow } from '../fault.js';
import type { FaultPlatform } from '../platform.js';

const awayMs = { all: 30_000, ci: 8_000 };
/** Below the depth at which things are read. */
const reorgBlocks = 3;
/** Twenty times what the devnet asks; half of it is below the most that settlement pays. */
const highBaseFeeWei = 20_000_000_000n;

export const chainFaults: FaultRow = {
  name: 'chain',
  mustHold: 'accepted work goes on; every charge is settled once',
  cases: ({ isAll }) => [away(isAll ? awayMs.all : awayMs.ci), reorg, stuck],
};

function away(ms: number): FaultCase {
  return {
    name: `away ${seconds(ms)}`,
    timeoutMs: ms + 150_000,
    run: async (context) => {
      const { platform, load, limitMs } = context;
      const before = load.figures();
      const cutMs = performance.now();
      platform.chainProxy.set({ kind: 'cut' });
      try {
        const trouble = () => troubleOf(platform);
        await expect
          .poll(trouble, { timeout: limitMs(20_000), interval: 100 })
          .toMatch(/^503 .*chain/i);
        await delay(ms - (performance.now() - cutMs));
      } finally {
        platform.chainProxy.set({ kind: 'pass' });
      }
      const backMs = performance.now();
      const sold = load.figures().paid - before.paid;
      expect(sold).toBeGreaterThan(0);
      const gapMs = load.gapSince(cutMs);
      return { gapMs, note: `${sold} pages sold meanwhile, ${await settled(context, backMs)}` };
    },
  };
}

const reorg: FaultCase = {
  name: `reorganisation of ${reorgBlocks} blocks`,
  timeoutMs: 150_000,
  run: async (context) => {
    const { platform, load, limitMs } = context;
    const first = await onChain(platform);
    // So that one of the blocks that go holds a batch.
    const now = () => onChain(platform);
    await expect.poll(now, { timeout: limitMs(20_000), interval: 20 }).toBeGreaterThan(first);
    const beganMs = performance.now();
    await platform.devnet.setInterval(0);
    const before = await onChain(platform);
    await platform.devnet.reorg(reorgBlocks);
    const after = await onChain(platform);
    await platform.devnet.setInterval(1);
    expect(after).toBeLessThan(before);
    await load.morePages(5, limitMs(30_000));
    const gapMs = load.gapSince(beganMs);
    const taken = before - after;
    return { gapMs, note: `took ${taken} µUSDC back, ${await settled(context, beganMs)}` };
  },
};

const stuck: FaultCase = {
  name: 'stuck transactions are replaced by a fee bump',
  timeoutMs: 180_000,
  run: async (context) => {
    const { platform, load, limitMs } = context;
    const { devnet } = platform;
    const confirmed = new Set<string>();
    const end = platform.watch.onEvent(({ type, data }) => {
      if (type === 'BatchConfirmed' && data.attempt > 1) confirmed.add(data.batchId);
    });
    try {
      const [beganMs, sinceMs] = [performance.now(), Date.now()];
      await devnet.setInterval(0);
      const waiting = () => pendingOf(platform);
      await expect.poll(waiting, { timeout: limitMs(20_000), interval: 50 }).toBeGreaterThan(0);
      await devnet.rpc('anvil_setNextBlockBaseFeePerGas', [toQuantity(highBaseFeeWei)]);
      await devnet.setInterval(1);
      const count = () => confirmed.size;
      await expect.poll(count, { timeout: limitMs(60_000), interval: 100 }).toBeGreaterThan(0);
      const confirmedMs = performance.now() - beganMs;
      const gapMs = load.gapSince(beganMs);
      const all = await settled(context, beganMs);
      const outbid = await outbidSince(platform, sinceMs);
      expect(outbid).toBeGreaterThan(0);
      const first = `the first confirmed after ${seconds(confirmedMs)}`;
      return { gapMs, note: `${outbid} batches outbid with the same nonce, ${first}, ${all}` };
    } finally {
      end();
    }
  },
};

/** Batches with a second attempt; every attempt has the nonce of the first. */
async function outbidSince({ log }: FaultPlatform, sinceMs: number): Promise<number> {
  const nonces = new Map<string, number>();
  const outbid = new Set<string>();
  for (const { type, data, timeMs } of await readEvents(log, 'charges')) {
    if (type !== 'AttemptProposed') continue;
    const { batchId, nonce, attempt } = data;
    expect(nonces.get(batchId) ?? nonce).toBe(nonce);
    nonces.set(batchId, nonce);
    if (attempt > 1 && timeMs >= sinceMs) outbid.add(batchId);
  }
  return outbid.size;
}

async function pendingOf({ devnet }: FaultPlatform): Promise<number> {
  const { pending } = await devnet.rpc<{ pending: string }>('txpool_status');
  return Number.parseInt(pending, 16);
}

async function settled(context: FaultContext, sinceMs: number): Promise<string> {
  await context.load.stop();
  const { charges } = await settledOnce(context);
  return `all ${charges} charges settled once, ${seconds(performance.now() - sinceMs)} later`;
}

/** What the readiness of settlement says. */
async function troubleOf(platform: FaultPlatform): Promise<string> {
  const answer = await fetch(`${platform.member('settlement-1').operations}/readyz`);
  const { checks } = (await answer.json()) as {
    readonly checks: Readonly<Record<string, { readonly reason?: string }>>;
  };
  const reasons = Object.values(checks).flatMap(({ reason }) => reason ?? []);
  return `${answer.status} ${reasons.join(', ')}`;
}
