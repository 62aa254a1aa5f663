import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endLeftovers } from './leftovers.js';
import { spawnProcess } from './own-process.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-leftovers-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

function sleeper() {
  return spawnProcess({
    ...{ name: 'sleeper', environment: {}, stopGraceMs: 5_000, isDetached: true },
    command: ['node', '--eval', 'setInterval(() => undefined, 1_000)'],
    logFile: join(directory, 'log'),
    pidDirectory: join(directory, 'pids'),
  });
}

test('behavior: what a killed launcher left is ended by the next one', async () => {
  const left = await sleeper();
  expect(await readdir(join(directory, 'pids'))).toEqual([String(left.pid)]);
  await endLeftovers(join(directory, 'pids'));
  expect((await left.ended()).signal).toBe('SIGTERM');
  expect(await readdir(join(directory, 'pids'))).toEqual([]);
});

test('behavior: a process that got the number later is left alone', async () => {
  const other = await sleeper();
  try {
    await writeFile(join(directory, 'pids', String(other.pid)), `${other.pid} 1`);
    await endLeftovers(join(directory, 'pids'));
    expect(other.isGone()).toBe(false);
  } finally {
    await other.stop();
  }
});

test('behavior: who ends in order is noted no longer', async () => {
  const own = await sleeper();
  await own.stop();
  await expect.poll(() => readdir(join(directory, 'pids'))).toEqual([]);
  // Nothing was ever started there.
  await endLeftovers(join(directory, 'nowhere'));
});
