import { parentPort, workerData } from 'node:worker_threads';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { createLifecycle } from '@paycrawl/service-kit/lifecycle';
import { createLogger } from '@paycrawl/service-kit/logger';
import { openChdbWarehouse } from '@paycrawl/warehouse/chdb-warehouse';
import { startProjection } from './projection.js';
import type { FromThread, ThreadSetup, ToThread } from './projection-messages.js';

/** The projection on a thread of its own: the log and the engine are opened here once more. */
const port = parentPort;
if (port === null) throw fail('internal', 'This file is a worker of projection-thread.');
const setup = workerData as ThreadSetup;
const logger = createLogger({ service: 'analytics' });
const tell = (message: FromThread): void => port.postMessage(message);
const lifecycle = createLifecycle({ logger, deadlineMs: 15_000 });

// What it adds to the time until an event is visible; looking more often costs and gains nothing.
const pollBusyMs = 25;
const log = openLmdbLog({ directory: setup.logDirectory, pollBusyMs, retentionEveryMs: 0 });
lifecycle.onClose('log', () => log.close());
const warehouse = await openChdbWarehouse({ directory: setup.warehouseDirectory });
lifecycle.onClose('warehouse', () => warehouse.close());
const projection = await startProjection({
  ...{ log, warehouse, logger, clock: Date.now },
  storeDirectory: setup.storeDirectory,
  flushIntervalMs: setup.flushIntervalMs,
  checkpointIntervalMs: setup.checkpointIntervalMs,
  blockOutputsMax: setup.blockOutputsMax,
  onFlushed: (publishers, oldestMs) =>
    tell({ tell: 'flushed', publishers: [...publishers], oldestMs }),
  onFatal: (error) => tell({ tell: 'fatal', message: String(error) }),
});
lifecycle.onClose('projection', () => projection.close());

port.on('message', async ({ ask, id }: ToThread) => {
  if (ask === 'progress') {
    return tell({ tell: 'answer', id, progress: await projection.progress() });
  }
  await lifecycle.close('closed by its owner');
  tell({ tell: 'answer', id, progress: [] });
  port.close();
});
tell({ tell: 'started' });
