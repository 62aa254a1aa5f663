import { readFileSync } from 'node:fs';

/** A process whose use of the processor is of interest. */
export interface Measured {
  readonly name: string;
  readonly pid: number;
}

/** Linux counts in hundredths of a second, whatever the kernel ticks with (`USER_HZ`). */
const tickUs = 10_000;

/**
 * What each process used since it began, in µs; empty where there is no /proc. Unlike any rate it
 * says the same on a machine that others use too.
 */
export function cpuOf(processes: readonly Measured[]): ReadonlyMap<string, number> {
  const used = new Map<string, number>();
  for (const { name, pid } of processes) {
    const us = usedUs(pid);
    if (us !== undefined) used.set(name, us);
  }
  return used;
}

/** Of its first thread alone, which in Node runs the JavaScript; 0 where there is no /proc. */
export function firstThreadUs(pid: number): number {
  return usedUs(`${pid}/task/${pid}`) ?? 0;
}

function usedUs(process: number | string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${process}/stat`, 'utf8');
    // The second field is a name, in parentheses, that may hold spaces (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * tickUs;
  } catch {
    return undefined;
  }
}

/** What each used between two looks, in µs. */
export function cpuBetween(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): { readonly name: string; readonly us: number }[] {
  return [...after].map(([name, us]) => ({ name, us: us - (before.get(name) ?? 0) }));
}
