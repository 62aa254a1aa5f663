import fc from 'fast-check';
import { expect, test } from 'vitest';
import { adjust, initialLimit, waitingMin } from './payment-limit.js';

const knobs = { waitMsMax: 2_000, waitingMax: 2_000 };
const stepMs = 10;

interface Run {
  /** Of what the verifier could have decided while it was offered more than that. */
  readonly usedShare: number;
  readonly waitMsMost: number;
}

/** A verifier that decides so many a second, in order, and clients that offer more than that. */
function offer(decidedPerS: number, offeredPerS: number, seconds: number): Run {
  const state = initialLimit(knobs);
  const queue: number[] = [];
  const run = { decided: 0, possible: 0, waitMsMost: 0 };
  let credit = 0;
  let due = 0;
  for (let nowMs = 0; nowMs < seconds * 1000; nowMs += stepMs) {
    due += (offeredPerS * stepMs) / 1000;
    for (; due >= 1; due--) {
      state.waitingMost = Math.max(state.waitingMost, queue.length);
      if (queue.length < state.limit) queue.push(nowMs);
    }
    credit += (decidedPerS * stepMs) / 1000;
    const isSettled = nowMs > (seconds * 1000) / 2;
    for (; credit >= 1; credit--) {
      if (isSettled) run.possible += 1;
      const sinceMs = queue.shift();
      if (sinceMs === undefined) continue;
      state.shortestMs = Math.min(state.shortestMs, nowMs - sinceMs);
      if (!isSettled) continue;
      run.decided += 1;
      run.waitMsMost = Math.max(run.waitMsMost, nowMs - sinceMs);
    }
    if (nowMs % 100 === 0) adjust(state, knobs, nowMs);
  }
  return { usedShare: run.decided / run.possible, waitMsMost: run.waitMsMost };
}

test('property: however slow decisions are, none waits long and none is missed', () => {
  const rates = fc.integer({ min: 40, max: 4_000 });
  const excess = fc.double({ min: 1.2, max: 10, noNaN: true });
  fc.assert(
    fc.property(rates, excess, (decidedPerS, times) => {
      const run = offer(decidedPerS, decidedPerS * times, 60);
      expect(run.usedShare).toBeGreaterThan(0.99);
      expect(run.waitMsMost).toBeLessThanOrEqual(1.25 * knobs.waitMsMax);
    }),
    { numRuns: 100 },
  );
});

test('behavior: one that is decided at once says that the others wait for something else', () => {
  const state = initialLimit(knobs);
  state.waitingMost = 1_500;
  state.shortestMs = 3;
  adjust(state, knobs, 0);
  expect(state.limit).toBe(knobs.waitingMax);
});

test('behavior: without any decision nothing is learnt', () => {
  const state = { ...initialLimit(knobs), limit: 300, waitingMost: 300 };
  adjust(state, knobs, 0);
  expect(state.limit).toBe(300);
});

test('behavior: a few that were slow cut nobody off', () => {
  const state = { ...initialLimit(knobs), waitingMost: 1, shortestMs: 8_000 };
  adjust(state, knobs, 0);
  expect(state.limit).toBe(waitingMin);
  for (let nowMs = 100; nowMs < 10_000; nowMs += 100) {
    state.shortestMs = 5;
    adjust(state, knobs, nowMs);
  }
  expect(state.limit).toBe(knobs.waitingMax);
});
