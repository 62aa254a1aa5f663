import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { setGeneration } from '@paycrawl/events/topics';
import { afterAll, expect, test } from 'vitest';
import { type Ran, runMigrate } from '../testing/run-command.js';
import { eventsOf, forget, givenLog, newCount, root, states } from './migrate.given.js';
import { migrationSteps } from './migrate.js';

// `npm run migrate` as a process over the embedded log, killed with SIGKILL after each of its steps.

afterAll(forget);

function run(dataDir: string, crashAt?: string): Promise<Ran> {
  const crash = crashAt === undefined ? {} : { CRASH_AT: `migrate.${crashAt}` };
  const environment = { EVENT_LOG: 'lmdb', DATA_DIR: dataDir, ...crash };
  return runMigrate(['--partitions', String(newCount)], environment);
}

/** A log with its outputs in it, so that copies of it have the same times. */
async function givenDataDirs(...names: string[]): Promise<string[]> {
  const first = join(root, 'given');
  await mkdir(first, { recursive: true });
  const log = await givenLog(openLmdbLog({ directory: join(first, 'log') }));
  await states(log);
  await log.close();
  const copies = names.map((name) => join(root, name));
  for (const copy of copies) await cp(first, copy, { recursive: true });
  return copies;
}

async function outcomeOf(dataDir: string) {
  const log = openLmdbLog({ directory: join(dataDir, 'log') });
  try {
    setGeneration(1);
    const opened = (await eventsOf(log, 'registry.1')).map(({ type }) => type);
    const before = (await states(log)).get('verifier');
    setGeneration(2);
    return { opened, before, after: await states(log) };
  } finally {
    await log.close();
  }
}

test('behavior: killed after every step, one after the other, it comes to the same state', async () => {
  const [undisturbed = '', killed = ''] = await givenDataDirs('undisturbed', 'killed');
  expect(await run(undisturbed)).toMatchObject({ code: 0, stderr: '' });
  for (const step of migrationSteps) {
    const ran = await run(killed, step);
    // -1: a signal.
    expect(ran, `${step}: ${ran.stderr}`).toMatchObject({ code: -1, stderr: '' });
  }
  const last = await run(killed);
  expect(last).toMatchObject({ code: 0, stderr: '' });
  expect(last.stdout).toContain('generation 2');
  const [expected, found] = [await outcomeOf(undisturbed), await outcomeOf(killed)];
  expect(found.after).toEqual(expected.after);
  expect(found.opened).toEqual(['GenerationOpened']);
  expect(found.before?.flat().length).toBeGreaterThan(0);
}, 180_000);
