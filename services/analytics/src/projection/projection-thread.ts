import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { PartitionProgress, Projection } from './projection.js';
import type { FromThread, ThreadSetup, ToThread } from './projection-messages.js';

export interface ProjectionThreadOptions extends ThreadSetup {
  onFlushed(publishers: ReadonlySet<string>, oldestMs: number): void;
  onFatal(error: unknown): void;
}

const workerFile = new URL('./projection-worker.js', import.meta.url);

/** Sources (tests) have no file that a thread could start from; a build has. */
export function isThreadPossible(): boolean {
  return existsSync(fileURLToPath(workerFile));
}

/**
 * Decoding, folding and rendering every event would take a quarter of the main thread at a
 * thousand crawls a second, from those who wait for an answer.
 */
export async function startProjectionThread(options: ProjectionThreadOptions): Promise<Projection> {
  const { onFlushed, onFatal, ...setup } = options;
  const worker = new Worker(workerFile, { workerData: setup });
  const waiting = new Map<number, (progress: readonly PartitionProgress[]) => void>();
  let isClosing = false;
  let idLast = 0;
  const started = new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromThread) => {
      if (message.tell === 'started') resolve();
      if (message.tell === 'flushed') onFlushed(new Set(message.publishers), message.oldestMs);
      if (message.tell === 'fatal') onFatal(fail('internal', message.message));
      if (message.tell === 'answer') waiting.get(message.id)?.(message.progress);
    });
    worker.once('error', (cause) => {
      reject(cause);
      if (!isClosing) onFatal(fail('internal', 'The projection has ended', { cause }));
    });
    worker.once('exit', () => {
      const ended = fail('internal', 'The thread of the projection has ended');
      reject(ended);
      for (const answer of waiting.values()) answer([]);
      if (!isClosing) onFatal(ended);
    });
  });
  const ask = (what: ToThread['ask']): Promise<PartitionProgress[]> => {
    idLast += 1;
    const id = idLast;
    const answer = new Promise<readonly PartitionProgress[]>((resolve) => waiting.set(id, resolve));
    worker.postMessage({ ask: what, id } satisfies ToThread);
    return answer.then((progress) => {
      waiting.delete(id);
      return [...progress];
    });
  };
  await started;
  return {
    progress: () => ask('progress'),
    async close() {
      isClosing = true;
      const exited = new Promise((resolve) => worker.once('exit', resolve));
      await ask('close');
      await exited;
    },
  };
}
