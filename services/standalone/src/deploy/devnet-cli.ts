import { setUpDevnetAt } from './devnet.js';
import { devnetJobSchema } from './job-config.js';
import { runJob } from './run-job.js';

/** Job `devnet-setup` of docker-compose.yml. */
await runJob(devnetJobSchema, async ({ secretsDir, chainRpcUrl, chainId }, say) => {
  const outcome = await setUpDevnetAt({
    ...{ rpcUrl: chainRpcUrl, chainId },
    secretsDirectory: secretsDir,
  });
  say(outcome === 'set_up' ? 'the devnet is set up' : 'no devnet: this chain is left alone');
});
