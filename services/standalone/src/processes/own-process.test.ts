import { mkdtemp, rm } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { niceOf } from '../priority.js';
import { spawnProcess } from './own-process.js';

test('behavior: on one machine the back office lets those go first whom crawlers wait for', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-nice-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const priorityAs = async (service: string): Promise<number> => {
    const { pid, stop } = await spawnProcess({
      ...{ name: service, environment: {}, stopGraceMs: 5_000, isDetached: true },
      command: ['node', '--eval', 'setInterval(() => undefined, 1_000)'],
      logFile: join(directory, service),
      nice: niceOf(service),
    });
    onTestFinished(async () => void (await stop()));
    return getPriority(pid);
  };
  const own = getPriority();
  expect(await priorityAs('verifier')).toBe(own);
  expect(await priorityAs('ingress')).toBe(own);
  expect(await priorityAs('metering')).toBeGreaterThan(own);
  expect(await priorityAs('settlement')).toBeGreaterThan(own);
  expect(await priorityAs('analytics')).toBeGreaterThan(own);
});
