import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Linux keeps a priority per thread, and threads made later inherit it. Elsewhere nothing happens:
 * the priority makes the platform quicker under load, never more correct.
 */
export function lowerThreadPriority(nice: number): void {
  try {
    // `<pid>/task/<tid>` of the thread that asks (proc(5)).
    const threadId = Number.parseInt(readlinkSync('/proc/thread-self').split('/').at(-1) ?? '', 10);
    if (Number.isInteger(threadId)) setPriority(threadId, nice);
  } catch {
    // No such file, or not allowed: all threads stay equal.
  }
}
