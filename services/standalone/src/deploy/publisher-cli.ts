import { join } from 'node:path';
import { openLog } from '@paycrawl/event-log/open-log';
import { usdcAddress } from '@paycrawl/testkit/devnet-contracts';
import { registerDemoPublisher } from '../demo-publisher.js';
import { readPeople } from '../devnet-setup.js';
import { publisherJobSchema } from './job-config.js';
import { runJob } from './run-job.js';

/** Job `publisher-setup` of docker-compose.yml. */
await runJob(publisherJobSchema, async (config, say) => {
  const { publisher } = await readPeople(join(config.secretsDir, 'operator'));
  const log = openLog(config.log, {
    directory: join(config.dataDir, 'log'),
    clientId: 'paycrawl-publisher-setup',
  });
  try {
    await registerDemoPublisher(log, {
      ...{ origin: config.siteOrigin, hosts: config.publisherHosts },
      ...{ chainId: config.chainId, usdc: usdcAddress, payTo: publisher.address },
    });
  } finally {
    await log.close();
  }
  say('the demo publisher is registered');
});
