import { join } from 'node:path';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import {
  type PlatformProcess,
  startPlatformProcess,
} from '@paycrawl/standalone/testing/platform-process';
import { whenFolded } from '../when-folded.js';
import { appendPayers } from './append-payers.js';
import { type StartTimes, timeStart } from './verifier-process.js';

/** As `npm start` makes them. */
const partitions = 2;
const foldedPatienceMs = 3_600_000;

export interface PlatformStart extends StartTimes {
  readonly what: string;
}

/**
 * The same for everything on one machine. The crawl of each payer ended without a charge: what is
 * charged here without a signature could not be settled.
 */
export async function benchPlatformStart(options: {
  readonly payers: number;
  note(what: string): void;
}): Promise<PlatformStart[]> {
  const { payers, note } = options;
  note(`platform: ${payers} payers`);
  let platform = await startPlatformProcess();
  try {
    const { dataDir, run } = platform;
    const log = openLmdbLog({ directory: join(dataDir, 'log') });
    const samples = await appendPayers(log, { payers, partitions, standing: 'released' });
    await whenFolded(run.facilitator, foldedPatienceMs);
    await whenFolded(run.api, foldedPatienceMs);
    const starts: PlatformStart[] = [];
    const again = async (what: string, end: (running: PlatformProcess) => Promise<void>) => {
      note(what);
      await end(platform);
      const asking = samples.map((ofPartition) => ofPartition.pop() as string);
      const { started, ...times } = await timeStart(log, asking, () =>
        startPlatformProcess({ dataDir }),
      );
      platform = started;
      starts.push({ ...times, what });
    };
    await again('platform, after an orderly stop', ({ stop }) => stop());
    await again('platform, after kill -9', ({ kill }) => kill());
    await log.close();
    return starts;
  } finally {
    await platform.remove();
  }
}
