import { randomInt } from 'node:crypto';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { decodePaymentResponseHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { childEnvironment } from './config.js';
import { crashSteps } from './crash-point.js';
import { auditLines, cleanVerdict } from './testing/audit-cli.js';
import { openLogView } from './testing/log-view.js';
import {
  type PlatformProcess,
  runToItsEnd,
  startPlatformProcess,
} from './testing/platform-process.js';
import { openVisitor, type Page, signedFor, type Visitor } from './testing/visitor.js';

// The whole platform dies after every named step, under load, and goes on in the same folder.
// Crawlers do what crawlers do: they present again what was not answered, or give up.

const seed = Number.parseInt(childEnvironment().CRASH_SEED ?? '', 10) || randomInt(1_000_000);
const random = randomOf(seed);

/** Small times, so that every step is passed soon and every hold ends within the test. */
const environment: Record<string, string> = {
  ...{ INGRESS_MARGIN_S: '3', ADMISSION_MARGIN_S: '2', SETTLEMENT_DEADLINE_MARGIN_S: '1' },
  ...{ SETTLEMENT_BATCH_AGE_MAX_MS: '100', SETTLEMENT_POLL_INTERVAL_MS: '100' },
  ...{ CHAIN_FINALITY_DEPTH: '1', DELIVERY_LEASE_MS: '1000' },
  ...{ OFFERED_WINDOW_S: '60' },
  ...Object.fromEntries(
    ['VERIFIER', 'METERING', 'SETTLEMENT', 'ANALYTICS'].map((service) => [
      `${service}_CHECKPOINT_INTERVAL_MS`,
      '100',
    ]),
  ),
};
/** Shorter than the window that is offered first: a hold must be able to end within the test. */
const validForS = 40;
const offeredFirstS = 60;
/** Nobody comes back for it: there is nothing to wait for but the end of its hold. */
const graceOfLostS = 8;
/** Of the others: longer than a start of the platform, after which they come back. */
const graceOfRepeatedS = 30;
const crawlersCount = 4;
const pages = ['/articles/serverless.html', '/articles/when-to-use.html'];
/** How often a step is passed at most before the process dies. */
const passagesMax = 3;

let platform: PlatformProcess;
let visitor: Visitor;
let isOver = false;
/** Charges that a crawler has a receipt for. */
const receipts = new Set<string>();
const crawling: Promise<void>[] = [];

beforeAll(async () => {
  process.stdout.write(`crash.test: seed ${seed} (CRASH_SEED repeats it)\n`);
  platform = await startPlatformProcess({ environment });
  await platform.kill();
  // The address stays, so that crawlers find it again after each start.
  environment.INGRESS_PORT = new URL(platform.run.ingress).port;
  visitor = openVisitor(platform.run.ingress);
  crawling.push(...Array.from({ length: crawlersCount }, (_, i) => crawl(i)));
}, 120_000);

afterAll(async () => {
  isOver = true;
  await Promise.all(crawling);
  visitor?.close();
  await platform?.remove();
});

/** Buys page after page until the test is over, whatever happens to the platform. */
async function crawl(n: number): Promise<void> {
  const wallet = platform.run.wallets[n] as Wallet;
  for (let i = n; !isOver; i += 1) {
    const path = pages[i % pages.length] as string;
    // One of four never comes back after a crash: its hold has to end by itself.
    await buy(wallet, path, i % 4 === 0 ? 1 : 200).catch(() => pause(50));
  }
}

async function buy(wallet: Wallet, path: string, attemptsMax: number): Promise<void> {
  const required = await visitor.offer({ path });
  // Settlement that was down for long confirms late, and the window that is offered grows with it.
  const offeredS = required.accepts[0]?.maxTimeoutSeconds ?? offeredFirstS;
  const graceS = attemptsMax === 1 ? graceOfLostS : graceOfRepeatedS;
  const payload = await signedFor(wallet, required, windowOf(offeredS, graceS));
  const proof = encodePaymentSignatureHeader(payload);
  for (let attempt = 1; attempt <= attemptsMax && !isOver; attempt += 1) {
    const page = await visitor.present(proof, { path }).catch(() => undefined);
    if (page?.status === 200) return void receipts.add(receiptOf(page));
    if (page?.status === 402) return;
    await pause(100);
  }
}

/** A window that was raised is twice the margin; a hold lasts for what is signed above it. */
function windowOf(offeredS: number, graceS: number): number {
  if (offeredS <= offeredFirstS) return validForS;
  // The most that admission makes of it: steps of 5 s, and a quarter before it sinks again.
  const marginS = Math.ceil((offeredS / 2 + 5) * 1.25);
  return Math.min(offeredS, marginS + graceS);
}

function receiptOf({ headers }: Page): string {
  const receipt = decodePaymentResponseHeader(String(headers['payment-response']));
  return (receipt.extra as { commitmentId: string }).commitmentId;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Mulberry32: the same numbers for the same seed. */
function randomOf(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled(steps: readonly string[]): readonly string[] {
  return steps
    .map((step) => ({ step, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ step }) => step);
}

const chargeIdsOf = (events: readonly { readonly type: string; readonly data: object }[]) => {
  const idsOf = (...types: string[]) =>
    new Set(
      events
        .filter(({ type }) => types.includes(type))
        .map(({ data }) => (data as { chargeId: string }).chargeId),
    );
  return {
    accepted: idsOf('PaymentAccepted'),
    charged: idsOf('ChargePosted'),
    ended: idsOf('ChargePosted', 'HoldReleased', 'LossPosted'),
    settled: idsOf('ChargeSettled', 'ChargeUncollectible'),
  };
};

/** How many accepted payments and charges have no end yet. */
async function unfinished() {
  const view = openLogView(platform.dataDir);
  try {
    const ids = chargeIdsOf(await view.events('decisions'));
    return {
      held: [...ids.accepted].filter((id) => !ids.ended.has(id)).length,
      open: [...ids.charged].filter((id) => !ids.settled.has(id)).length,
      unpaid: [...receipts].filter((id) => !ids.charged.has(id)).length,
    };
  } finally {
    await view.close();
  }
}

describe('a crash of everything', () => {
  // In an order of their own each time: what one step left behind, another one meets.
  test.each(shuffled(crashSteps))(
    'behavior: after %s it starts again and goes on',
    async (step) => {
      const passages = 1 + Math.floor(random() * passagesMax);
      const ending = await runToItsEnd({
        dataDir: platform.dataDir,
        environment: { ...environment, CRASH_AT: `${step}:${passages}` },
      });
      expect(ending).toMatchObject({ code: null, signal: 'SIGKILL' });
    },
    120_000,
  );

  test('behavior: after all of them every payment is charged and settled, or released', async () => {
    platform = await startPlatformProcess({ dataDir: platform.dataDir, environment });
    const before = receipts.size;
    await expect.poll(() => receipts.size, { timeout: 30_000 }).toBeGreaterThan(before + 20);
    isOver = true;
    await Promise.all(crawling);
    await expect
      .poll(unfinished, { timeout: 150_000, interval: 500 })
      .toEqual({ held: 0, open: 0, unpaid: 0 });
    const lines = await auditLines(platform.dataDir);
    process.stdout.write(`crash.test: ${lines.join('\n  ')}\n`);
    expect(lines.at(-1)).toBe(cleanVerdict);
  }, 270_000);
});
