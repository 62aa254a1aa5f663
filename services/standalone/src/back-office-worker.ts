import { parentPort, workerData } from 'node:worker_threads';
import { createLifecycle } from '@paycrawl/service-kit/lifecycle';
import { createLogger } from '@paycrawl/service-kit/logger';
import { startBackOffice } from './back-office.js';
import type { FromBackOffice, ToBackOffice } from './back-office-thread.js';
import { backOfficeNice, lowerThreadPriority } from './priority.js';
import { openParts, type Premises } from './service-parts.js';

// The back office in a thread of its own: the other core, and a heap of its own to collect.

const closeDeadlineMs = 18_000;
lowerThreadPriority(backOfficeNice);

const premises = workerData as Premises;
const logger = createLogger({ service: 'back-office', level: premises.logLevel });
const lifecycle = createLifecycle({ logger, deadlineMs: closeDeadlineMs });
const tell = (message: FromBackOffice): void => parentPort?.postMessage(message);
const fatal = (error: unknown): void => tell({ kind: 'fatal', detail: String(error) });

parentPort?.on('message', (message: ToBackOffice) => {
  if (message.kind !== 'close') return;
  void lifecycle.close('closed by its owner').then(() => {
    tell({ kind: 'closed' });
    parentPort?.close();
  });
});

try {
  const parts = await openParts(premises, lifecycle, fatal);
  tell({ kind: 'ready', ...(await startBackOffice(parts)) });
} catch (error) {
  logger.error({ err: error }, 'the back office did not start');
  await lifecycle.close('did not start');
  fatal(error);
}
