import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ContractFixture } from './contract.given.js';
import { eventLogContract } from './event-log.contract.js';
import { openLmdbLog } from './lmdb-log.js';

eventLogContract('lmdb', async (): Promise<ContractFixture> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'paycrawl-log-'));
  let nowMs = 1_000;
  // Small segments, so that every test of the contract also crosses their borders.
  const open = () =>
    openLmdbLog({
      directory,
      clock: () => nowMs,
      segmentBytesMax: 2_000,
      segmentMs: 5_000,
      retentionEveryMs: 0,
    });
  let log = open();
  return {
    log: () => log,
    async dispose() {
      await log.close();
      await rm(directory, { recursive: true, force: true });
    },
    async reopen() {
      await log.close();
      log = open();
    },
    setClockMs(ms) {
      nowMs = ms;
    },
    expire: () => log.expireSegments(),
  };
});
