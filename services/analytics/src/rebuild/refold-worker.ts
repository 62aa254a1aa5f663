import { parentPort, workerData } from 'node:worker_threads';
import { enterGeneration } from '@paycrawl/event-log/generation';
import { openLog } from '@paycrawl/event-log/open-log';
import {
  errorOf,
  type Failure,
  type FromRefoldThread,
  failureOf,
  type RefoldSetup,
  type ToRefoldThread,
} from './refold-messages.js';
import { createSourceFolder } from './source-folder.js';

// Folds sources again on a thread of its own; the thread that started it has the warehouse.

const { log: settings, logPlace, storeDirectory } = workerData as RefoldSetup;
const tell = (message: FromRefoldThread): void => parentPort?.postMessage(message);
const tellBroken = (error: unknown): void => tell({ tell: 'broken', failure: failureOf(error) });

const inserts = new Map<number, (failure: Failure | undefined) => void>();
let insertIdLast = 0;

const log = openLog(settings, logPlace);
const folder = createSourceFolder({
  ...{ log, storeDirectory },
  warehouse: {
    insert: (block) =>
      new Promise((resolve, reject) => {
        insertIdLast += 1;
        inserts.set(insertIdLast, (failure) =>
          failure === undefined ? resolve() : reject(errorOf(failure)),
        );
        tell({ tell: 'insert', insertId: insertIdLast, block });
      }),
  },
  onBroken: tellBroken,
});

parentPort?.on('message', (message: ToRefoldThread) => {
  if (message.do === 'go_on') {
    inserts.get(message.insertId)?.(message.failure);
    inserts.delete(message.insertId);
    return;
  }
  const work = message.do === 'fold' ? folder.foldToEnd(message.source) : close();
  work.then((folded) => folded && tell({ tell: 'folded', ...folded }), tellBroken);
});

/** Ends this thread, whatever could not be closed. */
async function close(): Promise<void> {
  try {
    await folder.close();
    await log.close();
  } finally {
    process.exit();
  }
}

try {
  await enterGeneration(log);
  tell({ tell: 'ready' });
} catch (error) {
  tellBroken(error);
}
