import { expect, test } from 'vitest';
import { createActivity, forEachAtOnce } from './activity.js';

interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

function gate(): Gate {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** Work whose nth turn waits for the nth gate, and tells that it began. */
function gated(turns: number) {
  const gates = Array.from({ length: turns }, gate);
  const begun = Array.from({ length: turns }, gate);
  let count = 0;
  const work = async (): Promise<void> => {
    const turn = count;
    count += 1;
    begun[turn]?.open();
    await gates[turn]?.opened;
  };
  return { work, gates, begun, count: () => count };
}

/** Longer than any test: only rings and requests make turns. */
const neverMs = 1_000_000;

test('behavior: who asks during a turn shares it, and turns never overlap', async () => {
  const { work, gates, count } = gated(2);
  const activity = createActivity(work, 0);
  const first = activity.turn();
  expect(activity.turn()).toBe(first);
  gates[0]?.open();
  await first;
  const second = activity.turn();
  gates[1]?.open();
  await second;
  expect(count()).toBe(2);
});

test('behavior: a ring during a turn asks for another one, without waiting', async () => {
  const { work, gates, begun, count } = gated(2);
  const activity = createActivity(work, neverMs);
  await begun[0]?.opened;
  activity.ring();
  activity.ring();
  gates[0]?.open();
  await begun[1]?.opened;
  gates[1]?.open();
  await activity.close();
  expect(count()).toBe(2);
});

test('behavior: close waits for the turn that is under way, and none follows', async () => {
  const { work, gates, begun, count } = gated(1);
  const activity = createActivity(work, neverMs);
  await begun[0]?.opened;
  let isClosed = false;
  const closing = activity.close().then(() => {
    isClosed = true;
  });
  activity.ring();
  await Promise.resolve();
  expect(isClosed).toBe(false);
  gates[0]?.open();
  await closing;
  expect(count()).toBe(1);
});

test('behavior: a failure is told when the others of its handful have ended', async () => {
  const slow = gate();
  let hasEnded = false;
  const done = forEachAtOnce([0, 1, 2], 2, async (one) => {
    if (one === 0) throw new Error('first');
    await slow.opened;
    hasEnded = true;
  });
  slow.open();
  await expect(done).rejects.toThrow('first');
  expect(hasEnded).toBe(true);
});
