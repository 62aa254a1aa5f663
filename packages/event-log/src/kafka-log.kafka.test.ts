import { inject } from 'vitest';
import { type ContractFixture, eventLogContract } from './event-log.contract.js';
import { openKafkaLog } from './kafka-log.js';

eventLogContract('kafka', async (): Promise<ContractFixture> => {
  const open = () => openKafkaLog({ brokers: inject('kafkaBrokers'), clientId: 'contract' });
  let log = open();
  return {
    log: () => log,
    dispose: () => log.close(),
    async reopen() {
      await log.close();
      log = open();
    },
  };
});
