import { isTransient } from './faults.js';
import type { KafkaSettings } from './settings.js';

/** How long to try, and whether anybody still wants it. */
export interface Patience {
  readonly deadlineMs: number;
  isOver(): boolean;
}

/** Tries until it works, the fault is not transient, or the patience ends; then fails with it. */
export async function persist<T>(
  settings: KafkaSettings,
  patience: Patience,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      const waitMs = backOffMs(settings, failures);
      if (!isTransient(error) || patience.isOver()) throw error;
      if (performance.now() + waitMs > patience.deadlineMs) throw error;
      await pause(waitMs);
    }
  }
}

export function until(timeoutMs: number, isOver: () => boolean = () => false): Patience {
  return { deadlineMs: performance.now() + timeoutMs, isOver };
}

/** Doubles up to its maximum, spread so that not everybody comes back at once. */
export function backOffMs({ retryMs, retryMsMax }: KafkaSettings, failures: number): number {
  const fullMs = Math.min(retryMsMax, retryMs * 2 ** Math.min(failures, 10));
  return fullMs / 2 + Math.random() * (fullMs / 2);
}

export function pause(waitMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, waitMs));
}
