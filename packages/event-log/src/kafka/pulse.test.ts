import { expect, test } from 'vitest';
import { createPulse } from './pulse.js';

const sessionTimeoutMs = 60_000;

test('behavior: nobody is confirmed before the first answer', () => {
  expect(createPulse(sessionTimeoutMs).isFresh()).toBe(false);
});

test('behavior: an answer counts from its question, not from when it was read', () => {
  const pulse = createPulse(sessionTimeoutMs);
  // Asked, frozen for longer than the session, and then the answer lay there.
  pulse.beat(performance.now() - sessionTimeoutMs - 1);
  expect(pulse.isFresh()).toBe(false);
  pulse.beat(performance.now());
  expect(pulse.isFresh()).toBe(true);
});

test('behavior: a late answer takes nothing back', () => {
  const pulse = createPulse(sessionTimeoutMs);
  pulse.beat(performance.now());
  pulse.beat(performance.now() - sessionTimeoutMs - 1);
  expect(pulse.isFresh()).toBe(true);
});

test('behavior: whoever waits goes on at the next answer', async () => {
  const pulse = createPulse(sessionTimeoutMs);
  const waiting = pulse.next();
  pulse.beat(performance.now());
  await waiting;
  expect(pulse.isFresh()).toBe(true);
});
