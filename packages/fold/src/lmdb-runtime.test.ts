import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LmdbLog, openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, topicConfigs } from '@paycrawl/events/topics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogOutput } from './fold.js';
import { createLogSink, deadLetterOf } from './log-sink.js';
import { type Runtime, startRuntime } from './runtime.js';
import { openStore } from './store.js';
import { eventGiven, given, tally } from './tally.given.js';

/** The same rules as in runtime.test.ts, on the embedded log and stores as they are deployed. */
const directory = mkdtempSync(join(tmpdir(), 'paycrawl-runtime-'));
const place = { topic: physicalTopic('payments'), partition: 0 };
let log: LmdbLog;

beforeAll(async () => {
  log = openLmdbLog({ directory: join(directory, 'log') });
  await log.createTopics(topicConfigs({ payer: 1, publisher: 1 }, 3_600_000));
});

afterAll(async () => {
  await log.close();
  rmSync(directory, { recursive: true, force: true });
});

async function append(from: number, to: number): Promise<void> {
  const producer = log.producer();
  await producer.append(
    Array.from({ length: to - from }, (_, index) => {
      const n = from + index;
      const one = given('abcd'.charAt(n % 4), n % 7 === 0 ? 'sum' : `add ${n % 3}`);
      return { ...place, key: one.payer, value: encodeEvent(eventGiven(one)) };
    }),
  );
  await producer.close();
}

function start(groupId: string, machine: string, onRestart = (_: unknown): void => {}) {
  return startRuntime<LogOutput>({
    log,
    fold: tally,
    groupId,
    createSink: () => createLogSink(log, tally.name),
    openStore: (partition) => openStore(join(directory, machine, String(partition))),
    deadLetter: deadLetterOf(tally.name),
    snapshots: { topic: 'snapshots-verifier', intervalMs: 3_600_000 },
    checkpointIntervalMs: 10,
    clock: Date.now,
    onFatal: (error) => {
      throw error;
    },
    onRestart,
  });
}

async function told(): Promise<string[]> {
  const records = await log.read({ topic: 'decisions.1', partition: 0 }, 0, 100_000);
  return records.map(({ value }) => value.toString());
}

async function isDone(runtime: Runtime): Promise<boolean> {
  const [progress] = await runtime.progress();
  return progress !== undefined && progress.storedOffset === progress.logNextOffset;
}

describe('on the embedded log', () => {
  it('behavior: restarts, another machine and a second owner leave one history', async () => {
    await append(0, 500);
    const first = await start('one', 'machine-a');
    await expect.poll(() => isDone(first), { timeout: 10_000 }).toBe(true);
    const alone = await told();
    expect(new Set(alone).size).toBe(alone.length);
    await first.close();

    await append(500, 800);
    const again = await start('one', 'machine-a');
    await expect.poll(() => isDone(again), { timeout: 10_000 }).toBe(true);
    const continued = await told();
    expect(new Set(continued).size).toBe(continued.length);

    // A machine without state takes the snapshot that was handed over, and catches up from there.
    const zombie = await start('two', 'machine-b');
    await append(800, 1200);
    await expect.poll(() => isDone(again), { timeout: 10_000 }).toBe(true);
    await expect.poll(() => isDone(zombie), { timeout: 10_000 }).toBe(true);
    await Promise.all([again.close(), zombie.close()]);

    const lines = await told();
    const unique = [...new Set(lines)];
    const causes = unique.map((line) => JSON.parse(line).cause as [string, number, number, number]);
    expect(new Set(causes.map(String)).size).toBe(unique.length);
    expect(causes).toEqual([...causes].sort((a, b) => a[2] - b[2] || a[3] - b[3]));
    expect(lines.filter((line) => JSON.parse(line).cause[2] >= 800).length).toBe(
      2 * unique.filter((line) => JSON.parse(line).cause[2] >= 800).length,
    );
    // The second machine began at the snapshot of offset 500, not at the beginning.
    const early = lines.filter((line) => JSON.parse(line).cause[2] < 500);
    expect(new Set(early).size).toBe(early.length);
  });

  it('behavior: two owners of one store: one goes on, the other begins again', async () => {
    const restarts: unknown[] = [];
    const note = (error: unknown) => restarts.push(error);
    const before = (await told()).length;
    const one = await start('shared-1', 'machine-c', note);
    await expect.poll(() => isDone(one), { timeout: 10_000 }).toBe(true);
    const two = await start('shared-2', 'machine-c', note);
    await expect.poll(() => isDone(two), { timeout: 10_000 }).toBe(true);
    for (let from = 1200; from < 1500; from += 20) await append(from, from + 20);
    await expect.poll(() => isDone(one), { timeout: 20_000 }).toBe(true);
    await expect.poll(() => isDone(two), { timeout: 20_000 }).toBe(true);
    await Promise.all([one.close(), two.close()]);
    for (const error of restarts) expect(error).toMatchObject({ code: 'fold_position_moved' });
    const known = new Map<string, string>();
    for (const line of (await told()).slice(before)) {
      const cause = String(JSON.parse(line).cause);
      expect(known.get(cause) ?? line).toBe(line);
      known.set(cause, line);
    }
  });
});
