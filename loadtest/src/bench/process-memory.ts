import { readFileSync } from 'node:fs';

/** What a process has in memory, in bytes. */
export interface ProcessMemory {
  readonly rss: number;
  /** Part of it: its own, that only it can give back. */
  readonly anonymous: number;
  /** Part of it: pages of files (stores and log are mapped), which the kernel takes when it wants. */
  readonly file: number;
}

/** Undefined where there is no /proc, or no such process any more (proc(5)). */
export function memoryOf(pid: number): ProcessMemory | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const bytes = (name: string): number => {
      const kB = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
      return Number(kB ?? 0) * 1024;
    };
    return { rss: bytes('VmRSS'), anonymous: bytes('RssAnon'), file: bytes('RssFile') };
  } catch {
    return undefined;
  }
}
