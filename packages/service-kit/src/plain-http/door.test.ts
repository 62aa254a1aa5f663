import { expect, test } from 'vitest';
import { createDoorLine } from './door.js';

test('behavior: the first is the next, or the next that stood there before a time', () => {
  let nowMs = 0;
  const line = createDoorLine<number>(() => nowMs);
  for (const guest of [0, 1, 2]) {
    nowMs = guest * 10;
    line.stand(guest);
  }
  expect(line.length()).toBe(3);
  expect(line.next(0)).toBeUndefined();
  expect(line.next(10)).toBe(0);
  expect(line.next(10)).toBeUndefined();
  expect(line.next()).toBe(1);
  expect(line.length()).toBe(1);
  expect(line.next()).toBe(2);
  expect(line.next()).toBeUndefined();
  expect(line.length()).toBe(0);
});

test('behavior: a line that never ends keeps its order', () => {
  const line = createDoorLine<number>(() => 0);
  let [came, went] = [0, 0];
  for (let round = 0; round < 5_000; round++) {
    line.stand(came++);
    if (round % 3 === 0) line.stand(came++);
    expect(line.next()).toBe(went++);
  }
  expect(line.length()).toBe(came - went);
});
