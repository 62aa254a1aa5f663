import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { FaultCase, FaultRow } from '../fault.js';
import { inSeconds } from '../work.js';

const frozenMs = 30_000;
const pauseMaxMs = 10_000;

export const rebalances: FaultRow = {
  name: 'rebalance of verifiers',
  mustHold: 'loss 0, duplicates 0; admission pauses for less than 10 s',
  cases: () => [scaled, frozen],
};

const scaled: FaultCase = {
  name: '1 → 3 → 1',
  timeoutMs: 120_000,
  run: async ({ platform, load, limitMs }) => {
    await platform.member('verifier-2').stop();
    const beganMs = performance.now();
    await Promise.all([platform.start('verifier-2'), platform.start('verifier-3')]);
    await load.morePages(5, limitMs(30_000));
    const upMs = load.gapSince(beganMs);
    const downFromMs = performance.now();
    // The two that came later are the ones that stay: every partition moves.
    for (const instance of ['verifier-1', 'verifier-3']) await platform.member(instance).stop();
    await load.morePages(5, limitMs(30_000));
    const downMs = load.gapSince(downFromMs);
    await platform.start('verifier-1');
    await load.morePages(5, limitMs(30_000));
    const gapMs = load.gapSince(beganMs);
    expect(gapMs).toBeLessThan(limitMs(pauseMaxMs));
    return { gapMs, note: `up: ${inSeconds(upMs)}, down: ${inSeconds(downMs)}` };
  },
};

const frozen: FaultCase = {
  name: 'SIGSTOP for 30 s, then a zombie',
  timeoutMs: 120_000,
  run: async ({ platform, load, limitMs }) => {
    const zombie = platform.member('verifier-1');
    const frozenAtMs = performance.now();
    zombie.freeze();
    await delay(frozenMs);
    const pausedMs = load.gapSince(frozenAtMs);
    const wokenMs = performance.now();
    zombie.thaw();
    await load.morePages(20, limitMs(60_000));
    const wokenGapMs = load.gapSince(wokenMs);
    // It is a member again, or has ended and been replaced: either way nothing of it is wrong.
    const end = zombie.isGone() ? 'it ended' : 'it goes on';
    if (zombie.isGone()) await platform.start('verifier-1');
    const gapMs = Math.max(pausedMs, wokenGapMs);
    expect(gapMs).toBeLessThan(limitMs(pauseMaxMs));
    return { gapMs, note: `after it woke ${inSeconds(wokenGapMs)}; ${end}` };
  },
};
