import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { FaultCase, FaultContext, FaultFigures, FaultRow } from '../fault.js';

const awayMs = 3_000;
const backWithinMs = 10_000;

export const brokerDies: FaultRow = {
  name: 'kill -9 of a broker',
  mustHold: '503 with Retry-After meanwhile; admission back within 10 s; accepted work survives',
  cases: ({ isAll }) => [onlyBroker, ...(isAll ? [ofThree] : [])],
};

const onlyBroker: FaultCase = {
  name: 'the only one, for 3 s',
  timeoutMs: 120_000,
  run: async (context) => {
    const { platform, load, limitMs } = context;
    const before = load.figures();
    const killedMs = performance.now();
    platform.kafka.kill(0);
    await delay(awayMs);
    const startedMs = performance.now();
    await platform.kafka.start(0);
    const returnedMs = performance.now();
    await load.morePages(3, limitMs(60_000));
    const backMs = load.gapSince(killedMs) - (returnedMs - killedMs);
    const after = load.figures();
    expect(backMs).toBeLessThan(limitMs(backWithinMs));
    expect(after.broken).toEqual(before.broken);
    return {
      gapMs: load.gapSince(killedMs),
      note:
        `started in ${seconds(returnedMs - startedMs)}, ` +
        `admission back ${seconds(Math.max(0, backMs))} after that`,
    };
  },
};

const ofThree: FaultCase = {
  name: 'one, then another, of three',
  timeoutMs: 180_000,
  platform: { nodes: 3 },
  run: async (context) => {
    const gaps: string[] = [];
    let worst = 0;
    for (const node of [0, 1]) {
      const { gapMs = 0 } = await killOf(context, node);
      gaps.push(`node ${node + 1}: ${seconds(gapMs)}`);
      worst = Math.max(worst, gapMs);
    }
    return { gapMs: worst, note: gaps.join(', ') };
  },
};

/** Leaders of its partitions change, twice. */
async function killOf(
  { platform, load, limitMs }: FaultContext,
  node: number,
): Promise<FaultFigures> {
  const killedMs = performance.now();
  platform.kafka.kill(node);
  await load.morePages(5, limitMs(60_000));
  const gapMs = load.gapSince(killedMs);
  expect(gapMs).toBeLessThan(limitMs(backWithinMs));
  await platform.kafka.start(node);
  await load.morePages(20, limitMs(60_000));
  return { gapMs };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
