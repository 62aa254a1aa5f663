import { join } from 'node:path';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { payWithV2 } from '@paycrawl/standalone/demo/paying-fetch';
import {
  type PlatformProcess,
  startPlatformProcess,
} from '@paycrawl/standalone/testing/platform-process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runAudit } from './run-audit.js';

/** After so many more pages the platform is killed, wherever it stands then. */
const killsAfterPages = [3, 25, 11, 40];
const page = '/articles/serverless.html';

let platform: PlatformProcess;
let isCrawling = true;
let paid = 0;

beforeAll(async () => {
  platform = await startPlatformProcess();
}, 120_000);

afterAll(() => platform?.remove());

/** Pays for one page after the other, whatever happens to the platform. */
async function crawl(wallet: number): Promise<void> {
  const privateKey = platform.run.wallets[wallet]?.privateKey as `0x${string}`;
  const paying = payWithV2({ privateKey, rpcUrl: platform.run.chain.rpc, budget: 10_000_000n });
  while (isCrawling) {
    try {
      const response = await paying.fetch(`${platform.run.ingress}${page}`, {
        headers: { 'user-agent': 'GPTBot/1.3' },
        signal: AbortSignal.timeout(5_000),
      });
      await response.arrayBuffer();
      if (response.status === 200) paid += 1;
    } catch {
      // The platform was killed meanwhile; the next page is asked of the next one.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function audit() {
  const lines: string[] = [];
  const { findings, counts } = await runAudit({
    openLog: () => openLmdbLog({ directory: join(platform.dataDir, 'log') }),
    runFile: join(platform.dataDir, 'run.json'),
    rpcUrl: undefined,
    reconciliation: { attempts: 40, pauseMs: 250 },
    write: (line) => void lines.push(line),
  });
  return { findings, counts, last: lines.at(-1) };
}

describe('kill -9 of the whole platform under load', () => {
  test('behavior: every paid page is charged and settled once; the audit says so', async () => {
    const crawlers = [0, 0, 1, 1, 2, 3].map(crawl);
    for (const pages of killsAfterPages) {
      const before = paid;
      await expect
        .poll(() => paid - before, { timeout: 30_000, interval: 5 })
        .toBeGreaterThan(pages);
      await platform.kill();
      expect((await audit()).last).toBe('loss 0, duplicates 0');
      platform = await startPlatformProcess({ dataDir: platform.dataDir });
    }
    isCrawling = false;
    await Promise.all(crawlers);
    // What the folds have not come to yet is not judged, so "nothing unsettled" may come too soon.
    const outstanding = async (): Promise<number> => {
      const { counts } = await audit();
      return counts.unsettled + Math.max(paid, counts.charged) - counts.settled;
    };
    await expect.poll(outstanding, { timeout: 60_000, interval: 1000 }).toBe(0);
    const { findings, counts } = await audit();
    expect(findings).toEqual([]);
    expect(counts.charged).toBeGreaterThanOrEqual(paid);
    expect(counts.settled).toBe(counts.charged);
  }, 240_000);
});
