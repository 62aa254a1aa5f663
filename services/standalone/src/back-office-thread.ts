import { Worker } from 'node:worker_threads';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { BackOffice } from './back-office.js';
import type { Premises } from './service-parts.js';

export type ToBackOffice = { readonly kind: 'close' };
export type FromBackOffice =
  | ({ readonly kind: 'ready' } & BackOffice)
  | { readonly kind: 'fatal'; readonly detail: string }
  | { readonly kind: 'closed' };

export interface BackOfficeThread extends BackOffice {
  close(): Promise<void>;
}

/** Starts the back office on a thread of its own; resolves when it serves. */
export function startBackOfficeThread(
  premises: Premises,
  onFatal: (error: unknown) => void,
): Promise<BackOfficeThread> {
  const worker = new Worker(new URL('./back-office-worker.js', import.meta.url), {
    workerData: premises,
  });
  return new Promise((resolve, reject) => {
    let isReady = false;
    const broken = (detail: string): void => {
      const error = fail('back_office_failed', detail);
      if (isReady) onFatal(error);
      else reject(error);
    };
    worker.on('error', (error) => broken(String(error)));
    worker.on('message', (message: FromBackOffice) => {
      if (message.kind === 'fatal') broken(message.detail);
      if (message.kind !== 'ready') return;
      isReady = true;
      resolve({ api: message.api, close: () => closed(worker) });
    });
  });
}

function closed(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.on('message', (message: FromBackOffice) => {
      if (message.kind === 'closed') resolve();
    });
    worker.once('exit', () => resolve());
    worker.postMessage({ kind: 'close' } satisfies ToBackOffice);
  });
}
