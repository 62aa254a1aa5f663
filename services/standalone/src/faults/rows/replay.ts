import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { childEnvironment } from '../../config.js';
import type { Replayed } from '../../testing/replayed.js';
import type { FaultContext, FaultFigures, FaultRow } from '../fault.js';

const program = fileURLToPath(new URL('../../../dist/testing/replay-main.js', import.meta.url));
const goalPerS = 100_000;

export const replayed: FaultRow = {
  name: 'replay from offset 0 into empty state',
  mustHold: `equal state, byte for byte; goal ${goalPerS} events/s`,
  cases: () => [
    { name: 'payments, decisions, charges', timeoutMs: 180_000, run: replayEverything },
  ],
};

/** In a process of its own, from what is built: the test runner's code is slower. */
async function replayEverything({ platform, load }: FaultContext): Promise<FaultFigures> {
  await load.stop();
  // Whoever hands over writes a snapshot of where it stood.
  for (const instance of ['verifier-1', 'verifier-2', 'metering-1', 'settlement-1']) {
    await platform.member(instance).stop();
    await platform.start(instance);
  }
  const scratch = await mkdtemp(join(tmpdir(), 'paycrawl-replay-'));
  try {
    const argv = [program, '--brokers', platform.kafka.brokers.join(','), '--scratch', scratch];
    const { stdout } = await promisify(execFile)(process.execPath, argv, {
      env: childEnvironment(),
    });
    const all = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Replayed);
    expect(all.flatMap(({ differences }) => differences)).toEqual([]);
    for (const { entries, records } of all) {
      expect(entries).toBeGreaterThan(0);
      expect(records).toBeGreaterThan(0);
    }
    return { note: all.map(lineOf).join('; ') };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function lineOf({ topic, records, entries, firstPerS, bestPerS }: Replayed): string {
  return (
    `${topic}: ${records} events into ${entries} equal entries, ` +
    `${firstPerS} events/s at first, ${bestPerS} at best`
  );
}
