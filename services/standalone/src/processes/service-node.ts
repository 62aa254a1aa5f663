import { setTimeout as delay } from 'node:timers/promises';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { ComposeService } from './compose-file.js';
import type { Started } from './graph.js';
import { type ProcessPlan, spawnProcess, whenReady } from './own-process.js';

export interface ServiceStart {
  readonly service: ComposeService;
  readonly plan: ProcessPlan;
  /** Absent: a job, which is done when it ends with 0. */
  readonly readyUrl: string | undefined;
  readonly signal: AbortSignal;
  say(line: string): void;
}

/** Generous: nine programs start on two cores. */
const readyTimeoutMs = 120_000;
/** As containers are restarted: not in a tight loop. */
const restartDelayMs = 1_000;

/** A one-shot job: others wait until it has ended well. */
export async function runJobProcess({ plan, signal }: ServiceStart): Promise<Started> {
  const job = await spawnProcess(plan);
  const onAbort = (): void => void job.stop();
  signal.addEventListener('abort', onAbort, { once: true });
  const { code } = await job.ended();
  signal.removeEventListener('abort', onAbort);
  signal.throwIfAborted();
  if (code !== 0) throw fail('process_failed', `${plan.name} ended with ${code}: ${plan.logFile}`);
  return { said: 'done', close: async () => undefined };
}

/** A service: others wait until its health check passes; one that dies is started again. */
export async function runServiceProcess(start: ServiceStart): Promise<Started> {
  const { service, plan, readyUrl, signal, say } = start;
  const wait = { timeoutMs: readyTimeoutMs, signal };
  let current = await spawnProcess(plan);
  try {
    if (readyUrl !== undefined) await whenReady(current, { ...plan, ...wait, readyUrl });
  } catch (error) {
    await current.stop();
    throw error;
  }
  const closing = new AbortController();
  const isRestarted = service.restart !== 'no';
  const watch = async (): Promise<void> => {
    for (;;) {
      const { code } = await current.ended();
      if (closing.signal.aborted || signal.aborted) return;
      say(`${plan.name} ended with ${code ?? 'a signal'}: ${plan.logFile}`);
      if (!isRestarted) return;
      await delay(restartDelayMs, undefined, { signal: closing.signal }).catch(() => undefined);
      if (closing.signal.aborted) return;
      current = await spawnProcess(plan);
      // Closing may have begun while it was started; then nobody else ends it.
      if (closing.signal.aborted) await current.stop();
    }
  };
  const watching = watch();
  return {
    said: 'ready',
    close: async () => {
      closing.abort();
      if (!current.isGone()) await current.stop();
      await watching;
    },
  };
}
