import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { childEnvironment } from '../../config.js';
import type { Replayed } from '../../testing/replayed.js';
import type { FaultContext, FaultFigures, FaultRow } from '../fault.js';

const program = fileURLToPath(new URL('../../../dist/testing/replay-main.js', import.meta.url));
const goalPerS = 100_000;
/** As many instances as this machine has cores share the partitions. */
const processes = availableParallelism();

export const replayed: FaultRow = {
  name: 'replay from offset 0 into empty state',
  mustHold: `equal state, byte for byte; goal ${goalPerS} events/s`,
  cases: () => [
    { name: 'payments, decisions, charges', timeoutMs: 180_000, run: replayEverything },
  ],
};

/** In processes of their own, from what is built: the test runner's code is slower. */
async function replayEverything({ platform, load }: FaultContext): Promise<FaultFigures> {
  await load.stop();
  // Whoever hands over writes a snapshot of where it stood.
  for (const instance of ['verifier-1', 'verifier-2', 'metering-1', 'settlement-1']) {
    await platform.member(instance).stop();
    await platform.start(instance);
  }
  const scratch = await mkdtemp(join(tmpdir(), 'paycrawl-replay-'));
  try {
    const brokers = platform.kafka.brokers.join(',');
    const shares = await Promise.all(
      Array.from({ length: processes }, (_, index) => replayShare(brokers, scratch, index)),
    );
    const all = shares.flat();
    expect(all.flatMap(({ differences }) => differences)).toEqual([]);
    const topics = [...new Set(all.map(({ topic }) => topic))];
    const lines = topics.map((topic) => together(all.filter((one) => one.topic === topic)));
    for (const { entries, records } of lines) {
      expect(entries).toBeGreaterThan(0);
      expect(records).toBeGreaterThan(0);
    }
    return { note: `${processes} processes; ${lines.map(lineOf).join('; ')}` };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function replayShare(brokers: string, scratch: string, index: number): Promise<Replayed[]> {
  const argv = [program, '--brokers', brokers, '--scratch', join(scratch, String(index))];
  const share = ['--process', String(index), '--of', String(processes)];
  const { stdout } = await promisify(execFile)(process.execPath, [...argv, ...share], {
    env: childEnvironment(),
  });
  const lines = stdout.trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Replayed);
}

/** What several processes did at the same time: all of it, in the time of the slowest. */
function together(shares: readonly Replayed[]): Replayed {
  const sum = (of: 'records' | 'entries' | 'bytes') =>
    shares.reduce((total, share) => total + share[of], 0);
  const slowest = (of: 'firstS' | 'bestS') => Math.max(...shares.map((share) => share[of]));
  return {
    ...(shares[0] as Replayed),
    ...{ records: sum('records'), entries: sum('entries'), bytes: sum('bytes') },
    ...{ firstS: slowest('firstS'), bestS: slowest('bestS') },
  };
}

function lineOf({ topic, records, entries, firstS, bestS }: Replayed): string {
  const perS = (seconds: number) => Math.round(records / seconds).toLocaleString('en');
  return (
    `${topic}: ${records} events into ${entries} equal entries, ` +
    `${perS(firstS)} events/s at first, ${perS(bestS)} at best`
  );
}
