import type { ContractFixture } from './contract.given.js';
import { eventLogContract } from './event-log.contract.js';
import { createMemoryLog } from './memory-log.js';

eventLogContract('memory', async (): Promise<ContractFixture> => {
  let nowMs = 1_000;
  const log = createMemoryLog({ clock: () => nowMs });
  return {
    log: () => log,
    dispose: () => log.close(),
    setClockMs(ms) {
      nowMs = ms;
    },
    expire: () => log.expireSegments(),
  };
});
