import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';

/**
 * Makes a data folder and holds it for this process: the embedded ClickHouse engine allows one
 * process per folder, and a second platform on the same log would be confusing. The owner is a
 * pid with its start time, so that the lock of a killed process never blocks the next start.
 */
export interface DataDir {
  readonly path: string;
  release(): void;
}

const lockName = 'owner.pid';

export function openDataDir(path: string): DataDir {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const lock = join(path, lockName);
  const me = identityOf(process.pid);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    if (tryCreate(lock, me)) return { path, release: () => release(lock, me) };
    const owner = ownerOf(lock);
    if (owner !== undefined && isRunning(owner)) {
      throw fail(
        'data_dir_in_use',
        `Process ${owner.split(' ')[0]} already uses the data folder.`,
        {
          context: { path },
        },
      );
    }
    rmSync(lock, { force: true });
  }
  throw fail('data_dir_in_use', 'Another process took the data folder just now.', {
    context: { path },
  });
}

function tryCreate(lock: string, owner: string): boolean {
  try {
    writeFileSync(lock, owner, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function release(lock: string, me: string): void {
  if (ownerOf(lock) === me) rmSync(lock, { force: true });
}

function ownerOf(lock: string): string | undefined {
  try {
    return readFileSync(lock, 'utf8');
  } catch {
    return undefined;
  }
}

/** A process and no later one that happens to get its number: pid and start time. */
export function identityOf(pid: number): string {
  return `${pid} ${startTimeOf(pid)}`;
}

export function isRunning(identity: string): boolean {
  const [pidText, startTime] = identity.split(' ');
  const pid = Number(pidText);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return startTimeOf(pid) === startTime;
}

/** Field 22 of /proc/<pid>/stat (proc(5)); where there is no /proc the pid alone must do. */
function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return afterName[19] ?? '0';
  } catch {
    return '0';
  }
}
