import { setTimeout as delay } from 'node:timers/promises';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { ComposeService } from './compose-file.js';
import type { Started } from './graph.js';
import { type OwnProcess, type ProcessPlan, spawnProcess } from './own-process.js';

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
const pollMs = 100;
/** As containers are restarted: not in a tight loop. */
const restartDelayMs = 1_000;

/** A one-shot job: others wait until it has ended well. */
export async function runJobProcess({ plan, signal }: ServiceStart): Promise<Started> {
  const job = await spawnProcess(plan);
  const onAbort = (): void => void job.stop();
  signal.addEventListener('abort', onAbort, { once: true });
  const code = await job.ended;
  signal.removeEventListener('abort', onAbort);
  signal.throwIfAborted();
  if (code !== 0) throw fail('process_failed', `${plan.name} ended with ${code}: ${plan.logFile}`);
  return { said: 'done', close: async () => undefined };
}

/** A service: others wait until its health check passes; one that dies is started again. */
export async function runServiceProcess(start: ServiceStart): Promise<Started> {
  const { service, plan, signal, say } = start;
  let current = await spawnProcess(plan);
  try {
    await healthy(start, current);
  } catch (error) {
    await current.stop();
    throw error;
  }
  const closing = new AbortController();
  const isRestarted = service.restart !== 'no';
  const watch = async (): Promise<void> => {
    for (;;) {
      const code = await current.ended;
      if (closing.signal.aborted || signal.aborted) return;
      say(`${plan.name} ended with ${code ?? 'a signal'}: ${plan.logFile}`);
      if (!isRestarted) return;
      await delay(restartDelayMs, undefined, { signal: closing.signal }).catch(() => undefined);
      if (closing.signal.aborted) return;
      current = await spawnProcess(plan);
    }
  };
  const watching = watch();
  return {
    said: 'ready',
    close: async () => {
      closing.abort();
      if (!current.isGone()) await current.stop();
      await watching;
      if (!current.isGone()) await current.stop();
    },
  };
}

async function healthy({ readyUrl, plan, signal }: ServiceStart, child: OwnProcess): Promise<void> {
  const deadlineMs = performance.now() + readyTimeoutMs;
  if (readyUrl === undefined) return;
  for (;;) {
    signal.throwIfAborted();
    if (child.isGone()) {
      throw fail('process_failed', `${plan.name} ended at its start: ${plan.logFile}`);
    }
    if (await answersOk(readyUrl)) return;
    if (performance.now() > deadlineMs) {
      throw fail('process_failed', `${plan.name} is not ready in time: ${plan.logFile}`);
    }
    await delay(pollMs);
  }
}

async function answersOk(url: string): Promise<boolean> {
  const signal = AbortSignal.timeout(2_000);
  return fetch(url, { signal }).then(
    ({ ok }) => ok,
    () => false,
  );
}
