import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createStrangers, type Strangers, type StrangersOptions } from './strangers.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  strangers.close();
  vi.useRealTimers();
});

let strangers: Strangers;
const load = { isBusy: true };
let born = 0;
let turns = 0;

function open(over: Partial<StrangersOptions> = {}): void {
  load.isBusy = true;
  strangers = createStrangers({
    knownPerStranger: 32,
    perSMin: 20,
    waitMsMax: 2_000,
    waitingMax: 100,
    knownMax: 1_000,
    isBusy: () => load.isBusy,
    nowMs: () => Date.now(),
    ...over,
  });
  strangers.hasPaid('known');
}

function stranger(): true | Promise<boolean> {
  return strangers.turnOf(`stranger ${born++}`);
}

/** A second of proofs at these rates; how many strangers' turns came in it. */
async function turnsBeside(known: number, strangersPerS: number): Promise<number> {
  const before = turns;
  for (let tick = 0; tick < 20; tick++) {
    for (let i = 0; i < known / 20; i++) expect(strangers.turnOf('known')).toBe(true);
    for (let i = 0; i < strangersPerS / 20; i++) {
      void Promise.resolve(stranger()).then((isTurn) => {
        if (isTurn) turns += 1;
      });
    }
    await vi.advanceTimersByTimeAsync(50);
  }
  return turns - before;
}

test('behavior: beside known payers one stranger for so many of them, and the least of a second', async () => {
  open();
  await turnsBeside(640, 2_000);
  expect(await turnsBeside(640, 2_000)).toBe(640 / 32 + 20);
  expect(await turnsBeside(6_400, 2_000)).toBe(6_400 / 32 + 20);
  expect(await turnsBeside(20, 2_000)).toBeLessThanOrEqual(20 / 32 + 20 + 1);
});

test('behavior: strangers alone are never kept waiting, however busy they make it', () => {
  open();
  for (let i = 0; i < 10_000; i++) expect(stranger()).toBe(true);
});

test('behavior: beside known payers of an idle process nobody waits', () => {
  open();
  load.isBusy = false;
  strangers.turnOf('known');
  for (let i = 0; i < 1_000; i++) expect(stranger()).toBe(true);
});

test('behavior: who waits is served in order as soon as it is idle again', async () => {
  open({ perSMin: 1 });
  strangers.turnOf('known');
  const told: number[] = [];
  for (let i = 0; i < 50; i++) {
    void Promise.resolve(stranger()).then((isTurn) => isTurn && told.push(i));
  }
  expect(strangers.waiting()).toBe(50);
  load.isBusy = false;
  await vi.advanceTimersByTimeAsync(50);
  expect(told).toEqual(Array.from({ length: 50 }, (_, i) => i));
});

test('behavior: whose turn did not come in time is told so, and the line is bounded', async () => {
  open({ perSMin: 1, waitMsMax: 100, waitingMax: 2 });
  strangers.turnOf('known');
  const first = stranger();
  const second = stranger();
  expect(await stranger()).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(await Promise.all([first, second])).toEqual([false, false]);
  expect(strangers.waiting()).toBe(0);
});

test('behavior: who paid is known, until it has nothing or was silent for longest', () => {
  open({ knownMax: 2 });
  strangers.hasPaid('a');
  strangers.hasPaid('known');
  strangers.hasPaid('b');
  for (const payer of ['known', 'b']) expect(strangers.turnOf(payer)).toBe(true);
  expect(strangers.turnOf('a')).not.toBe(true);
  strangers.hasNothing('b');
  expect(strangers.turnOf('b')).not.toBe(true);
});

test('behavior: closed, it lets in whoever waits: the rest of the way tells them', async () => {
  open();
  strangers.turnOf('known');
  const waiting = stranger();
  strangers.close();
  expect(await waiting).toBe(true);
});
