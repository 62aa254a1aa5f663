import { type ChildProcess, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { fail } from '@paycrawl/errors/paycrawl-error';

/** One of our own programs: a command of the file, as a process of this machine. */
export interface ProcessPlan {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly logFile: string;
  readonly stopGraceMs: number;
}

export interface OwnProcess {
  readonly pid: number;
  /** Resolves when it is gone: its exit code, null where a signal ended it. */
  readonly ended: Promise<number | null>;
  isGone(): boolean;
  /** SIGTERM, and SIGKILL when it takes longer than the file allows. */
  stop(): Promise<void>;
}

export async function spawnProcess(plan: ProcessPlan): Promise<OwnProcess> {
  const [program = '', ...rest] = plan.command;
  const log = await open(plan.logFile, 'a', 0o600);
  const child = spawn(program === 'node' ? process.execPath : program, rest, {
    cwd: plan.workingDirectory,
    env: { ...plan.environment },
    // Ctrl-C goes to a whole process group: the order in which they end is ours to keep.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  const ended = endOf(child);
  if (child.pid === undefined) {
    throw fail('process_failed', `${plan.name} cannot be started: ${plan.command.join(' ')}`);
  }
  return {
    pid: child.pid,
    ended,
    isGone: () => child.exitCode !== null || child.signalCode !== null,
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), plan.stopGraceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', () => resolve(null));
  });
}
