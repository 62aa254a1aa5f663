import { secretsJobSchema } from './job-config.js';
import { runJob } from './run-job.js';
import { makeSecrets } from './secrets.js';

/** Job `secrets` of docker-compose.yml. Says nothing of what it made. */
await runJob(secretsJobSchema, async (config, say) => {
  await makeSecrets({ ...config, directory: config.secretsDir });
  say('secrets are in place');
});
