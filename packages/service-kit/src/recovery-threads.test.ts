import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { addressOfPrivateKey, recoverAddress, signDigest } from '@paycrawl/crypto/recover';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import { afterEach, expect, test } from 'vitest';

import {
  type Recoveries,
  startRecoveryThread,
  startRecoveryThreads,
  waitingMax,
} from './recovery-threads.js';

const privateKey = Buffer.alloc(32, 0x44);
const signed = {
  outcome: 'recovered',
  address: addressOfPrivateKey(privateKey),
} as const;

let recoveries: Recoveries;
let workers: Worker[] = [];
let failures: unknown[] = [];
afterEach(async () => {
  await recoveries.close();
  workers = [];
  failures = [];
});

async function start(threads: number): Promise<void> {
  recoveries = await startRecoveryThreads({
    threads,
    onFailure: (error) => failures.push(error),
    startThread() {
      const worker = startRecoveryThread();
      workers.push(worker);
      return worker;
    },
  });
}

function question(): [digest: Uint8Array, signature: Uint8Array] {
  const digest = randomBytes(32);
  return [digest, signDigest(digest, privateKey)];
}

/** Signed, rubbish, with a high s, with an unknown v, and too short: in turns. */
function mixedQuestion(index: number): [digest: Uint8Array, signature: Uint8Array] {
  const [digest, signature] = question();
  const kind = index % 5;
  if (kind === 1) signature.fill(0xff, 0, 32);
  if (kind === 2) signature.fill(0xff, 32, 64);
  if (kind === 3) signature[64] = 9;
  return [digest, kind === 4 ? signature.subarray(1) : signature];
}

const ask = (count: number) =>
  Array.from({ length: count }, () => recoveries.recover(...question()));

test.each([1, 2])(
  'behavior: %d threads answer as the loop would, more than fit, again and again',
  async (threads) => {
    await start(threads);
    for (let round = 0; round < 5; round++) {
      const questions = Array.from({ length: 150 }, (_, index) => mixedQuestion(index));
      const answers = questions.map((one) => recoveries.recover(...one));
      expect(recoveries.waiting()).toBe(Math.min(120, threads * waitingMax));
      expect(await Promise.all(answers)).toEqual(questions.map((one) => recoverAddress(...one)));
      expect(recoveries.waiting()).toBe(0);
    }
    expect(failures).toEqual([]);
  },
);

test('behavior: whoever asks one after the other is answered, and so is who asks meanwhile', async () => {
  await start(1);
  for (let i = 0; i < 200; i++) {
    const first = recoveries.recover(...question());
    await new Promise((resolve) => setImmediate(resolve));
    expect(await Promise.all([first, ...ask(i % 3)])).toContainEqual(signed);
  }
});

test('behavior: the share of a thread that recovered is told, of the time since it was asked', async () => {
  await start(1);
  recoveries.busyShare();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const idle = recoveries.busyShare();
  await Promise.all(ask(waitingMax));
  const busy = recoveries.busyShare();
  expect(idle).toBeLessThan(busy);
  expect(busy).toBeLessThanOrEqual(1);
});

test('error: recovery_thread_failed is told, no question is lost, and another thread is started', async () => {
  await start(1);
  const answers = ask(waitingMax);
  await workers[0]?.terminate();
  expect(await Promise.all(answers)).toEqual(answers.map(() => signed));
  expect(failures).toHaveLength(1);
  expect(hasCode(failures[0], 'recovery_thread_failed')).toBe(true);
  expect(recoveries.assertComplete).toThrow();
  // On the loop meanwhile.
  expect(recoveries.recover(...question())).toEqual(signed);
  await expect.poll(() => recoveries.assertComplete()).toBeUndefined();
  expect(workers).toHaveLength(2);
  expect(await Promise.all(ask(3))).toEqual([signed, signed, signed]);
});

test('error: recovery_thread_failed where a thread cannot start', async () => {
  const starting = startRecoveryThreads({
    threads: 1,
    onFailure: (error) => failures.push(error),
    startThread: () => new Worker('throw 1', { eval: true }),
  });
  await expect(starting).rejects.toMatchObject({ code: 'recovery_thread_failed' });
  await start(0);
});

test('behavior: a close answers what was asked, and what is asked after it', async () => {
  await start(2);
  const answers = ask(2 * waitingMax);
  await recoveries.close();
  expect(await Promise.all(answers)).toEqual(answers.map(() => signed));
  expect(recoveries.recover(...question())).toEqual(signed);
  expect(failures).toEqual([]);
});

test('behavior: without threads the loop answers at once', async () => {
  await start(0);
  expect(recoveries.recover(...question())).toEqual(signed);
  expect(workers).toEqual([]);
});
