import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
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
    const file = `/proc/${pid}/autogroup`;
    // Only root may do it as often as this.
    const isTold = process.getuid?.() === 0 && existsSync(file);
    const session = isTold ? await readFile(file, 'utf8') : '';
    // "/autogroup-7 nice 10"; a kernel without such groups has no file.
    if (session !== '') expect(session).toMatch(niceOf(service) > 0 ? / nice 10$/m : / nice 0$/m);
    return getPriority(pid);
  };
  const own = getPriority();
  expect(await priorityAs('verifier')).toBe(own);
  expect(await priorityAs('ingress')).toBe(own);
  expect(await priorityAs('metering')).toBeGreaterThan(own);
  expect(await priorityAs('settlement')).toBeGreaterThan(own);
  expect(await priorityAs('analytics')).toBeGreaterThan(own);
});
