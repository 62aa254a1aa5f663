import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { FaultCase, FaultContext, FaultRow } from '../fault.js';
import { inSeconds } from '../work.js';

const awayMs = 3_000;
const backWithinMs = 10_000;

export const brokerDies: FaultRow = {
  name: 'kill -9 of a broker',
  mustHold: '503 with Retry-After meanwhile; admission back within 10 s; accepted work survives',
  cases: ({ isAll }) =>
    isAll ? [{ ...onlyBroker, platform: { nodes: 1 } }, ofThree] : [onlyBroker],
};

const onlyBroker: FaultCase = {
  name: 'the only one, for 3 s',
  timeoutMs: 120_000,
  run: async ({ platform, load, limitMs }) => {
    const killedMs = performance.now();
    platform.kafka.kill(0);
    await delay(awayMs);
    const startedMs = performance.now();
    await platform.kafka.start(0);
    const returnedMs = performance.now();
    await load.morePages(3, limitMs(60_000));
    const gapMs = load.gapSince(killedMs);
    const backMs = Math.max(0, gapMs - (returnedMs - killedMs));
    expect(backMs).toBeLessThan(limitMs(backWithinMs));
    expect(load.figures().statuses['503'] ?? 0).toBeGreaterThan(0);
    const started = `away for ${inSeconds(awayMs)} and ${inSeconds(returnedMs - startedMs)} to start`;
    return { gapMs, note: `${started}; admission back ${inSeconds(backMs)} after that` };
  },
};

const ofThree: FaultCase = {
  name: 'one, then another, of three',
  timeoutMs: 240_000,
  run: async (context) => {
    const first = await gapOfKill(context, 0);
    const second = await gapOfKill(context, 1);
    const gapMs = Math.max(first, second);
    return { gapMs, note: `the first ${inSeconds(first)}, the second ${inSeconds(second)}` };
  },
};

/** Its partitions get other leaders; when it is back it follows, and is asked to lead again. */
async function gapOfKill({ platform, load, limitMs }: FaultContext, node: number): Promise<number> {
  const killedMs = performance.now();
  platform.kafka.kill(node);
  await load.morePages(10, limitMs(60_000));
  const gapMs = load.gapSince(killedMs);
  expect(gapMs).toBeLessThan(limitMs(backWithinMs));
  await platform.kafka.start(node);
  // Until it has caught up, another death would leave a partition with fewer than two replicas.
  await load.morePages(50, limitMs(60_000));
  return gapMs;
}
