import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identityOf, isRunning } from '@paycrawl/service-kit/data-dir';

/**
 * Processes outlive a launcher that is killed, and hold their folders. Each is noted while it runs,
 * so that the next start ends those, and never a process of somebody else.
 */
export function pidDirectoryOf(dataDir: string): string {
  return join(dataDir, 'pids');
}

export function notePid(directory: string, pid: number): () => void {
  const path = join(directory, String(pid));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(path, identityOf(pid), { mode: 0o600 });
  return () => rmSync(path, { force: true });
}

/** As the file allows our services at most. */
const stopGraceMs = 30_000;
const pollMs = 50;

export async function endLeftovers(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  await Promise.all(names.map((name) => endLeftover(join(directory, name))));
}

async function endLeftover(path: string): Promise<void> {
  const identity = await readFile(path, 'utf8');
  const pid = Number.parseInt(identity, 10);
  const deadlineMs = performance.now() + stopGraceMs;
  if (isRunning(identity)) process.kill(pid, 'SIGTERM');
  while (isRunning(identity)) {
    if (performance.now() > deadlineMs) process.kill(pid, 'SIGKILL');
    await delay(pollMs);
  }
  await rm(path, { force: true });
}
