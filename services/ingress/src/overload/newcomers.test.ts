import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createNewcomers, type Newcomers, type NewcomersOptions, type Place } from './newcomers.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  newcomers.close();
  vi.useRealTimers();
});

let newcomers: Newcomers;
let born = 0;

function open(over: Partial<NewcomersOptions> = {}): void {
  newcomers = createNewcomers({
    roomAtOnce: 16,
    knownPerNewcomer: 32,
    perSMin: 20,
    waitMsMax: 2_000,
    waitingMax: 100,
    knownMax: 1_000,
    nowMs: () => Date.now(),
    ...over,
  });
  newcomers.hasPaid('known');
}

function newcomer(): Place | Promise<Place | undefined> {
  return newcomers.enter(`newcomer ${born++}`);
}

/** So many of them stay inside. */
function known(count: number): void {
  for (let i = 0; i < count; i++) expect(newcomers.enter('known')).toBe('known');
}

let cameIn = 0;

/** A second of many undecided known payers at this rate; how many newcomers came in. */
async function comeInBeside(knownPerS: number, newcomersPerS: number): Promise<number> {
  const before = cameIn;
  for (let tick = 0; tick < 20; tick++) {
    for (let i = 0; i < knownPerS / 20; i++) {
      known(1);
      newcomers.leave('known');
    }
    for (let i = 0; i < newcomersPerS / 20; i++) {
      void Promise.resolve(newcomer()).then((place) => {
        if (place === undefined) return;
        cameIn += 1;
        newcomers.leave(place);
      });
    }
    await vi.advanceTimersByTimeAsync(50);
  }
  return cameIn - before;
}

test('behavior: where the known leave no room, one newcomer for so many of them, and the least of a second', async () => {
  open();
  known(40);
  await comeInBeside(640, 2_000);
  expect(await comeInBeside(640, 2_000)).toBe(640 / 32 + 20);
  expect(await comeInBeside(6_400, 2_000)).toBe(6_400 / 32 + 20);
  expect(await comeInBeside(20, 2_000)).toBeLessThanOrEqual(20 / 32 + 20 + 1);
});

test('behavior: turns are taken by several at once, a few times a second while they are few', async () => {
  open({ perSMin: 20, knownPerNewcomer: 1_000_000 });
  known(40);
  const cameMs: number[] = [];
  const come = () =>
    void Promise.resolve(newcomer()).then(
      (place) => place !== undefined && cameMs.push(Date.now()),
    );
  for (let tick = 0; tick < 20; tick++) {
    known(1);
    for (let i = 0; i < 5; i++) come();
    await vi.advanceTimersByTimeAsync(50);
  }
  expect(cameMs).toHaveLength(20);
  expect(new Set(cameMs).size).toBe(5);
});

test('behavior: newcomers alone are never kept waiting', () => {
  open();
  for (let i = 0; i < 10_000; i++) expect(newcomer()).toBe('newcomer');
});

test('behavior: beside few of the known there is room, and who leaves makes room at once', async () => {
  open();
  known(6);
  for (let i = 0; i < 10; i++) expect(newcomer()).toBe('newcomer');
  const waiting = newcomer();
  expect(newcomers.waiting()).toBe(1);
  newcomers.leave('newcomer');
  expect(await waiting).toBe('newcomer');
});

test('behavior: that a group of the known was decided makes no room: the next ones are on their way', async () => {
  open({ perSMin: 1, knownPerNewcomer: 1_000_000 });
  known(40);
  const waiting = newcomer();
  for (let i = 0; i < 40; i++) newcomers.leave('known');
  expect(newcomers.waiting()).toBe(1);
  // Twice a look without them: they are gone.
  await vi.advanceTimersByTimeAsync(100);
  expect(newcomers.waiting()).toBe(0);
  expect(await waiting).toBe('newcomer');
});

test('behavior: who waits comes in in order, all of them once the known are gone', async () => {
  open({ perSMin: 1, knownPerNewcomer: 1_000_000 });
  known(16);
  const told: number[] = [];
  for (let i = 0; i < 50; i++) {
    void Promise.resolve(newcomer()).then((place) => place !== undefined && told.push(i));
  }
  expect(newcomers.waiting()).toBe(50);
  for (let i = 0; i < 10; i++) newcomers.leave('known');
  await vi.advanceTimersByTimeAsync(100);
  expect(told).toEqual(Array.from({ length: 10 }, (_, i) => i));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told).toEqual(Array.from({ length: 50 }, (_, i) => i));
});

test('behavior: whose turn did not come in time is told so, and the line is bounded', async () => {
  open({ perSMin: 1, waitMsMax: 100, waitingMax: 2 });
  known(16);
  const first = newcomer();
  const second = newcomer();
  expect(newcomers.refuses('third')).toBe(true);
  expect(newcomers.refuses('known')).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(await Promise.all([first, second])).toEqual([undefined, undefined]);
  expect(newcomers.waiting()).toBe(0);
});

test('behavior: who paid is known, until it has nothing or was silent for longest', () => {
  open({ knownMax: 2 });
  newcomers.hasPaid('a');
  newcomers.hasPaid('known');
  newcomers.hasPaid('b');
  for (const payer of ['known', 'b']) expect(newcomers.enter(payer)).toBe('known');
  expect(newcomers.enter('a')).toBe('newcomer');
  newcomers.hasNothing('b');
  expect(newcomers.enter('b')).toBe('newcomer');
});

test('behavior: closed, it lets in whoever waits: the rest of the way tells them', async () => {
  open();
  known(16);
  const waiting = newcomer();
  newcomers.close();
  expect(await waiting).toBe('newcomer');
});
