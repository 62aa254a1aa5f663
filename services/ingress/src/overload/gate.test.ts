import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createGate, type Gate, type GateOptions } from './gate.js';
import { busiest } from './loop-utilization.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  gate.close();
  vi.useRealTimers();
});

let gate: Gate;
const load = { inFlight: 0, deciding: 0, undecided: 0, challenging: 0, utilization: 0 };

function open(over: Partial<GateOptions> = {}): void {
  Object.assign(load, { inFlight: 0, deciding: 0, undecided: 0, challenging: 0, utilization: 0 });
  gate = createGate({
    inFlightMax: 1_000,
    undecidedMax: 100,
    doorLineMax: 50,
    decisionWaitMsMax: 1_000,
    challengesInFlightMax: 500,
    challengesPerPayment: 2,
    paymentsPerStranger: 4,
    challengesPerSMin: 100,
    busyPercent: 90,
    refusalHoldMs: 1_000,
    inFlight: () => load.inFlight,
    deciding: () => load.deciding,
    undecided: () => load.undecided,
    challenging: () => load.challenging,
    utilization: () => load.utilization,
    nowMs: () => Date.now(),
    ...over,
  });
}

/** Seconds of that load: how many challenges it let in, in the last of them. */
function letIn(payments: number, asked: number, seconds = 1): number {
  let count = 0;
  for (let tenth = 0; tenth < 10 * seconds; tenth++) {
    if (tenth === 10 * (seconds - 1)) count = 0;
    for (let i = 0; i < payments / 10; i++) gate.decided(5, true);
    for (let i = 0; i < asked / 10; i++) if (gate.refusesChallenge() === undefined) count += 1;
    vi.advanceTimersByTime(100);
  }
  return count;
}

test('behavior: a storm beside payments gets one challenge for four, and the least of a second', () => {
  open();
  load.utilization = 0.97;
  expect(Math.abs(letIn(500, 20_000, 6) - (500 / 4 + 100))).toBeLessThan(10);
  expect(Math.abs(letIn(40, 20_000, 6) - (40 / 4 + 100))).toBeLessThan(10);
});

test('behavior: a storm yields where a thread that the loop asks is the busy one', () => {
  open({
    utilization: busiest(
      () => 0.3,
      () => load.utilization,
    ),
  });
  expect(letIn(500, 20_000, 6)).toBe(20_000);
  load.utilization = 0.97;
  expect(Math.abs(letIn(500, 20_000, 6) - (500 / 4 + 100))).toBeLessThan(10);
});

test('behavior: a connection that paid is asked for its next payment in any storm, twice', () => {
  open();
  load.utilization = 1;
  letIn(500, 20_000, 6);
  const credit = { challenges: 0 };
  const asked = () => gate.refusesChallenge(credit);
  // Those who did not pay have taken all that there is for them.
  for (let i = 0; i < 500; i++) gate.refusesChallenge();
  expect(asked()).toBe('challenges_yield');
  gate.paidOver(credit);
  gate.paidOver(credit);
  expect([asked(), asked(), asked()]).toEqual([undefined, undefined, 'challenges_yield']);
  gate.paidOver(credit);
  load.challenging = 500;
  expect(asked()).toBe('challenges_full');
});

test('behavior: without payments a busy process answers every challenge; refused ones are none', () => {
  open();
  load.utilization = 1;
  gate.decided(5, false);
  expect(letIn(0, 20_000)).toBe(20_000);
});

test('behavior: beside payments an idle process answers every challenge', () => {
  open();
  load.utilization = 0.5;
  expect(letIn(500, 20_000, 3)).toBe(20_000);
});

test('behavior: a storm gets what the payments leave, found out in small steps', () => {
  open();
  // Each payment keeps it busy for a thousandth of a second, and each challenge for a tenth of that.
  const payments = 500;
  let before = 20_000;
  let sum = 0;
  for (let tenth = 0; tenth < 200; tenth++) {
    for (let i = 0; i < payments / 10; i++) gate.decided(5, true);
    let now = 0;
    for (let i = 0; i < 2_000; i++) if (gate.refusesChallenge() === undefined) now += 1;
    load.utilization = Math.min(1, (payments / 10 + ((before + now) / 2) * 0.1) / 100);
    before = now;
    if (tenth >= 100) sum += now;
    vi.advanceTimersByTime(100);
  }
  // With 4,000 of them in a second it would be busy for nine tenths of it.
  expect(sum / 10).toBeGreaterThan(2_000);
  expect(sum / 10).toBeLessThan(4_000);
});

test('behavior: when the payments end, so does the limit', () => {
  open();
  load.utilization = 1;
  letIn(500, 20_000, 3);
  expect(letIn(0, 20_000, 3)).toBe(20_000);
});

test('behavior: challenges beyond what may wait for the log are refused, payments are not', () => {
  open();
  load.challenging = 500;
  expect(gate.refusesChallenge()).toBe('challenges_full');
  expect(gate.refusesPayment()).toBe(undefined);
});

test('behavior: a storm takes no place of a payment; payments in flight take none of a challenge', () => {
  open();
  load.inFlight = 1_000;
  expect(gate.refusesPayment()).toBe('payments_full');
  expect(gate.refusesChallenge()).toBe(undefined);
});

test('behavior: slow decisions let fewer payments wait', () => {
  open();
  load.deciding = 800;
  expect(gate.refusesPayment()).toBe(undefined);
  gate.decided(2_000, false);
  vi.advanceTimersByTime(100);
  expect(gate.gauges().paymentsMax).toBe(400);
  expect(gate.refusesPayment()).toBe('payments_slow');
  load.deciding = 399;
  expect(gate.refusesPayment()).toBe(undefined);
});

test('behavior: refusals are held for their time, at most so many, and none after the close', async () => {
  open({ refusalHoldMs: 250 });
  const told: string[] = [];
  void gate.hold()?.then(() => told.push('first'));
  await vi.advanceTimersByTimeAsync(200);
  expect(told).toEqual([]);
  await vi.advanceTimersByTimeAsync(100);
  expect(told).toEqual(['first']);
  for (let i = 0; i < 5_000; i++) void gate.hold();
  expect(gate.hold()).toBe(undefined);
  expect(gate.gauges().held).toBe(4_096);
  gate.close();
  expect(gate.gauges().held).toBe(0);
  expect(gate.hold()).toBe(undefined);
});

test('behavior: more than are decided at once stand in line at the door, until it is shut', () => {
  open();
  load.undecided = 99;
  expect(gate.door(0)).toBe('open');
  // Nobody passes by those who wait.
  expect(gate.door(1)).toBe('line');
  load.undecided = 100;
  expect(gate.door(0)).toBe('line');
  expect(gate.door(49)).toBe('line');
  expect(gate.door(50)).toBe('shut');
  // Who waits will be in flight: memory is bounded by all of them.
  load.inFlight = 960;
  expect(gate.door(39)).toBe('line');
  expect(gate.door(40)).toBe('shut');
});
