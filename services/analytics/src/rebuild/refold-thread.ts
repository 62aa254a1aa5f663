import { Worker } from 'node:worker_threads';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Rows, Warehouse } from '@paycrawl/warehouse/warehouse';
import {
  errorOf,
  type FromRefoldThread,
  failureOf,
  type RefoldSetup,
  type ToRefoldThread,
} from './refold-messages.js';
import type { Folded, SourceFolder } from './source-folder.js';

export interface RefoldThreadOptions extends RefoldSetup {
  readonly warehouse: Pick<Warehouse, 'insert'>;
  onBroken(error: unknown): void;
}

interface Waiting {
  readonly resolve: (folded: Folded) => void;
  readonly reject: (error: unknown) => void;
}

/** Decodes, folds and encodes on a thread of its own; blocks are inserted by this one. */
export async function startRefoldThread(options: RefoldThreadOptions): Promise<SourceFolder> {
  const { log, logPlace, storeDirectory, warehouse, onBroken } = options;
  const worker = new Worker(new URL('./refold-worker.js', import.meta.url), {
    workerData: { log, logPlace, storeDirectory } satisfies RefoldSetup,
  });
  const say = (message: ToRefoldThread): void => worker.postMessage(message);
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  let waiting: Waiting | undefined;
  const broken = (error: unknown): void => {
    waiting?.reject(error);
    onBroken(error);
  };
  const ready = new Promise<Folded>((resolve, reject) => {
    waiting = { resolve, reject };
  });
  worker.on('error', (cause) => broken(fail('internal', 'A thread failed', { cause })));
  worker.on('message', (message: FromRefoldThread) => {
    switch (message.tell) {
      case 'insert':
        return insert(warehouse, message, say);
      case 'broken':
        return broken(errorOf(message.failure));
      case 'ready':
        return waiting?.resolve({ records: 0, nextOffset: 0 });
      case 'folded':
        return waiting?.resolve(message);
    }
  });
  await ready;
  return {
    foldToEnd: (source) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        say({ do: 'fold', source });
      }),
    async close() {
      say({ do: 'close' });
      await exited;
    },
  };
}

function insert(
  warehouse: Pick<Warehouse, 'insert'>,
  { insertId, block }: Extract<FromRefoldThread, { tell: 'insert' }>,
  say: (message: ToRefoldThread) => void,
): void {
  warehouse.insert({ ...block, rows: withBuffer(block.rows) }).then(
    () => say({ do: 'go_on', insertId }),
    (error) => say({ do: 'go_on', insertId, failure: failureOf(error) }),
  );
}

/** A Buffer comes across as plain bytes. */
function withBuffer(rows: Rows): Rows {
  const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
    Buffer.from(buffer, byteOffset, byteLength);
  return 'native' in rows
    ? { ...rows, native: bufferOf(rows.native) }
    : { ...rows, json: bufferOf(rows.json) };
}
