import { createLifecycle, handleSignals } from '@paycrawl/service-kit/lifecycle';
import { createLogger } from '@paycrawl/service-kit/logger';
import { siteDirectory, startSite } from '../site-server.js';
import { siteSchema } from './job-config.js';
import { runJob } from './run-job.js';

const shutdownDeadlineMs = 5_000;

/** Service `site` of docker-compose.yml: the demo publisher's pages. */
await runJob(siteSchema, async ({ host, port }) => {
  const logger = createLogger({ service: 'site' });
  const lifecycle = createLifecycle({ logger, deadlineMs: shutdownDeadlineMs });
  handleSignals(lifecycle);
  const site = await startSite({ directory: siteDirectory, host, port });
  lifecycle.onClose('site', site.close);
  logger.info({ port }, 'serving the demo site');
});
