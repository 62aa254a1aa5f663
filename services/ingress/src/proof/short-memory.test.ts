import { expect, test } from 'vitest';
import { createShortMemory } from './short-memory.js';

test('behavior: a fact is recalled for its time and forgotten then', () => {
  let nowMs = 0;
  const memory = createShortMemory<bigint>({ forMs: 10, entriesMax: 2, nowMs: () => nowMs });
  memory.remember('a', 1n);
  nowMs = 9;
  expect(memory.recall('a')).toBe(1n);
  nowMs = 10;
  expect(memory.recall('a')).toBe(undefined);
});

test('behavior: it never holds more than its bound; the oldest goes', () => {
  const memory = createShortMemory<number>({ forMs: 10, entriesMax: 2, nowMs: () => 0 });
  for (const [key, fact] of [
    ['a', 1],
    ['b', 2],
    ['a', 3],
    ['c', 4],
  ] as const) {
    memory.remember(key, fact);
  }
  expect(memory.recall('b')).toBe(undefined);
  expect(memory.recall('a')).toBe(3);
  expect(memory.recall('c')).toBe(4);
});
