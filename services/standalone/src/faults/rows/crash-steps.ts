import { expect } from 'vitest';
import { crashSteps } from '../../crash-point.js';
import { openReadApi, sumOf } from '../../testing/read-api.js';
import { type Choice, drawn, type FaultCase, type FaultContext, type FaultRow } from '../fault.js';
import { longestGap } from '../load.js';
import type { FaultPlatform } from '../platform.js';
import type { WatchedTopic } from '../watch.js';

const services = ['ingress', 'verifier', 'metering', 'settlement', 'analytics'] as const;
type Service = (typeof services)[number];

/** How often a step is passed at most before the process dies. */
const passagesMax = 12;
const diesWithinMs = 60_000;
const goesOnWithinMs = 3_000;
const pagePrice = 1_000n;

/** What shows that a service works; of the others, crawlers do. */
const outputOf: Partial<Record<Service, WatchedTopic>> = {
  metering: 'ledger',
  settlement: 'settlements',
};

export const crashAtSteps: FaultRow = {
  name: 'kill -9 at a step',
  mustHold: 'loss 0, duplicates 0; work goes on within 3 s; other services unaffected',
  cases: (choice) =>
    services.flatMap((service) => {
      const own = crashSteps.filter((step) => step.startsWith(`${service}.`));
      return (choice.isAll ? own : [drawn(own, choice)]).map((step) =>
        caseOf(service, step, choice),
      );
    }),
};

function caseOf(service: Service, step: string, { random }: Choice): FaultCase {
  const passages = 1 + Math.floor(random() * passagesMax);
  return {
    name: `${step}:${passages}`,
    timeoutMs: 120_000,
    run: async (context) => {
      const { platform, load, limitMs } = context;
      const instance = `${service}-1`;
      await platform.member(instance).kill();
      const dying = await platform.fleet.start(service, instance, {
        CRASH_AT: `${step}:${passages}`,
      });
      const ending = await endingWithin(dying.ended(), limitMs(diesWithinMs));
      expect(ending).toEqual({ code: null, signal: 'SIGKILL' });
      const diedMs = performance.now();
      const before = load.figures();
      const back = workGap(service, context, diedMs);
      await platform.start(instance);
      await load.morePages(3, limitMs(20_000));
      const gapMs = load.gapSince(diedMs);
      const workMs = await back;
      expect(workMs).toBeLessThan(limitMs(goesOnWithinMs));
      const after = load.figures();
      expect(after.statuses['503'] ?? 0).toBe(before.statuses['503'] ?? 0);
      if (service !== 'ingress') expect(after.broken).toEqual(before.broken);
      return { gapMs, note: `works again after ${(workMs / 1000).toFixed(2)} s` };
    },
  };
}

async function endingWithin<Ending>(ended: Promise<Ending>, timeoutMs: number) {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'it did not pass the step'>((resolve) => {
    timer = setTimeout(() => resolve('it did not pass the step'), timeoutMs);
  });
  try {
    return await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** How long none of its work was seen: pages paid, records written, figures that grow. */
async function workGap(service: Service, context: FaultContext, diedMs: number): Promise<number> {
  const { platform, load, limitMs } = context;
  const poll = { timeout: limitMs(30_000), interval: 20 };
  if (service === 'analytics') {
    const charged = platform.watch.charged.size;
    await expect.poll(() => chargesShown(platform), poll).toBeGreaterThan(charged);
    return performance.now() - diedMs;
  }
  const topic = outputOf[service];
  if (topic === undefined) {
    await load.morePages(3, limitMs(20_000));
    return load.gapSince(diedMs);
  }
  // What was on its way when it died comes first.
  const records = () => platform.watch.times(topic).length;
  const atDeath = records();
  await expect.poll(records, poll).toBeGreaterThan(atDeath + 20);
  return longestGap(platform.watch.times(topic), diedMs);
}

async function chargesShown(platform: FaultPlatform): Promise<number> {
  const balance = await openReadApi(await platform.run())
    .balance()
    .catch(() => undefined);
  return balance === undefined ? 0 : Number(sumOf(balance.charged) / pagePrice);
}
