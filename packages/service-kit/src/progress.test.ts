import { expect, test } from 'vitest';
import { createHealth } from './health.js';
import { type PartitionProgress, watchProgress } from './progress.js';

type Answer = () => Promise<readonly PartitionProgress[]>;

function watched(first: Answer) {
  const at = { ms: 0 };
  const source = { answer: first };
  const health = createHealth({ nowMs: () => at.ms });
  watchProgress(health, 'fold', { stalledAfterMs: 1_000, progress: () => source.answer() });
  return { at, source, status: async () => (await health.live()).status };
}

const standing =
  (storedOffset: number, logNextOffset: number): Answer =>
  async () => [{ storedOffset, logNextOffset }];

test('behavior: lag fails only where no position moves', async () => {
  const { at, source, status } = watched(standing(3, 5));
  expect(await status()).toBe('ok');
  at.ms = 1_001;
  expect(await status()).toBe('failing');
  source.answer = standing(4, 5);
  expect(await status()).toBe('ok');
  at.ms = 5_000;
  expect(await status()).toBe('failing');
  source.answer = standing(5, 5);
  expect(await status()).toBe('ok');
});

test('behavior: a log that does not answer is no reason to end the process', async () => {
  const { at, source, status } = watched(standing(3, 5));
  expect(await status()).toBe('ok');
  at.ms = 10_000;
  source.answer = () => Promise.reject(new TypeError('no broker'));
  expect(await status()).toBe('ok');
  source.answer = () => new Promise(() => undefined);
  expect(await status()).toBe('ok');
  // Back: the time that it was away does not count.
  source.answer = standing(3, 5);
  expect(await status()).toBe('ok');
  at.ms += 1_001;
  expect(await status()).toBe('failing');
});
