import { join } from 'node:path';
import { tokensJobSchema } from './job-config.js';
import { runJob } from './run-job.js';
import { readOperatorSecrets } from './secrets.js';

/** `docker compose run --rm tokens`: what people sign in with, shown to whoever may run it. */
await runJob(tokensJobSchema, async ({ secretsDir }, say) => {
  const { tokens } = await readOperatorSecrets(join(secretsDir, 'operator'));
  say(`operator    ${tokens.operator}`);
  for (const [id, token] of Object.entries(tokens.publishers)) say(`publisher   ${id}  ${token}`);
});
