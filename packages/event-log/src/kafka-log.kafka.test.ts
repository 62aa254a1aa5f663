import type { ContractFixture } from './contract.given.js';
import { eventLogContract } from './event-log.contract.js';
import { openSharedKafka } from './kafka/kafka-cluster.given.js';

eventLogContract('kafka', async (): Promise<ContractFixture> => {
  let log = openSharedKafka();
  return {
    log: () => log,
    dispose: () => log.close(),
    async reopen() {
      await log.close();
      log = openSharedKafka();
    },
  };
});
