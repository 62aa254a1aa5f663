import { readlinkSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Crawlers wait for ingress and verifier; metering, settlement and analytics follow a decision and
 * may come a little later where all of them share the cores of one machine.
 */
export const backOfficeNice = 10;

const backOffice: ReadonlySet<string> = new Set(['metering', 'settlement', 'analytics']);

/** Of a service that shares a machine with the others; above 0 it lets them go first. */
export function niceOf(service: string): number {
  return backOffice.has(service) ? backOfficeNice : 0;
}

/** Of the thread that asks: Linux keeps a priority per thread. Elsewhere nothing happens. */
export function lowerThreadPriority(nice: number): void {
  try {
    // `<pid>/task/<tid>` (proc(5)).
    const threadId = Number.parseInt(readlinkSync('/proc/thread-self').split('/').at(-1) ?? '', 10);
    if (Number.isInteger(threadId)) lowerPriority(threadId, nice);
  } catch {
    // No such file: all threads stay equal.
  }
}

/**
 * Of a process that has just begun, or of one thread of it: threads made later inherit it. Makes a
 * machine under load quicker, never more correct.
 */
export function lowerPriority(pid: number, nice: number): void {
  try {
    setPriority(pid, nice);
  } catch {
    // Not allowed, or gone already: it stays as it is.
  }
}

/**
 * Of a process that leads a session of its own. Where sessions share the processor among them, a
 * priority counts only within one, and the session has another (sched(7), autogroups).
 */
export function lowerSessionPriority(pid: number, nice: number): void {
  lowerPriority(pid, nice);
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(nice));
  } catch {
    // No such thing here, or several in a tenth of a second: it stays as it is.
  }
}
