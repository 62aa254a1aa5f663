import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { setGeneration } from '@paycrawl/events/topics';
import { asset } from '@paycrawl/verifier/admission/admission.given';
import { accountKey } from '@paycrawl/verifier/admission/state';
import { afterAll, expect, test } from 'vitest';
import { type Ran, runMigrate } from '../testing/run-command.js';
import {
  booksOf,
  eventsOf,
  forget,
  givenLog,
  newCount,
  payers,
  root,
  states,
} from './migrate.given.js';
import { migrationSteps } from './migrate.js';

// `npm run migrate` as a process over the embedded log, killed with SIGKILL after each of its steps.

afterAll(forget);

function run(dataDir: string, crashAt?: string, partitions = newCount): Promise<Ran> {
  const crash = crashAt === undefined ? {} : { CRASH_AT: `migrate.${crashAt}` };
  const environment = { EVENT_LOG: 'lmdb', DATA_DIR: dataDir, ...crash };
  return runMigrate(['--partitions', String(partitions)], environment);
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

test('behavior: from 4 partitions to 64, which it says how long it took', async () => {
  const [dataDir = ''] = await givenDataDirs('to-64');
  expect(await run(dataDir, undefined, 4)).toMatchObject({ code: 0, stderr: '' });
  const began = performance.now();
  const ran = await run(dataDir, undefined, 64);
  const tookMs = Math.round(performance.now() - began);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  process.stdout.write(`4 to 64 partitions in ${tookMs} ms:\n${ran.stdout}`);
  expect(ran.stdout).toContain('generation 3 is in force: 64 partitions');
  const log = openLmdbLog({ directory: join(dataDir, 'log') });
  const counts = new Map((await log.topics()).map(({ name, partitions }) => [name, partitions]));
  expect(counts.get('payments.2')).toBe(4);
  expect(counts.get('payments.3')).toBe(64);
  setGeneration(2);
  const before = await states(log, ['metering']);
  setGeneration(3);
  const after = await states(log, ['verifier', 'metering']);
  await log.close();
  for (const who of payers) {
    const state = new Map(after.get('verifier')?.[partitionForKey(who, 64)]);
    expect(state.get(accountKey(who, asset))).toMatchObject({ held: 1000n, unsettled: 1000n });
  }
  expect(booksOf(after.get('metering') ?? [])).toEqual(booksOf(before.get('metering') ?? []));
}, 180_000);
