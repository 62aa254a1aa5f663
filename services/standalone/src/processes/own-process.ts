import { type ChildProcess, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { processEnvironment } from '@paycrawl/service-kit/config';
import { lowerPriority, lowerSessionPriority } from '../priority.js';
import { notePid } from './leftovers.js';

/** One of our own programs as a process of this machine. */
export interface ProcessPlan {
  /** Names it in messages. */
  readonly name: string;
  /** Begins with `node`, which is the Node that runs this. */
  readonly command: readonly string[];
  /** The whole of it: nothing is inherited but where programs and temporary files are. */
  readonly environment: Readonly<Record<string, string>>;
  /** That of this process when absent. */
  readonly workingDirectory?: string;
  /** Standard output and errors are appended here. */
  readonly logFile: string;
  readonly stopGraceMs: number;
  /** Ctrl-C goes to a whole process group; whoever ends processes in order keeps them out of it. */
  readonly isDetached: boolean;
  /** Where its pid is noted while it runs; absent: nowhere. */
  readonly pidDirectory?: string;
  /** Above 0 it lets others go first (setpriority(2)); 0 when absent. */
  readonly nice?: number;
}

export interface ProcessEnding {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface OwnProcess {
  readonly pid: number;
  isGone(): boolean;
  /** Resolves when it is gone, whoever ended it. */
  ended(): Promise<ProcessEnding>;
  /** SIGKILL: as a power cut. */
  kill(): Promise<void>;
  /** SIGTERM, and SIGKILL when it takes longer than it may; 0 if everything could be closed. */
  stop(): Promise<ProcessEnding>;
  /** SIGSTOP: everybody else believes that it is dead. */
  freeze(): void;
  /** SIGCONT: the zombie goes on where it was. */
  thaw(): void;
}

export async function spawnProcess(plan: ProcessPlan): Promise<OwnProcess> {
  const { name, command, environment, workingDirectory, logFile, isDetached, nice = 0 } = plan;
  const [program = '', ...rest] = command;
  const log = await open(logFile, 'a', 0o600);
  const child = spawn(program === 'node' ? process.execPath : program, rest, {
    ...(workingDirectory === undefined ? {} : { cwd: workingDirectory }),
    env: { ...inherited(), ...environment },
    detached: isDetached,
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  const ended = endingOf(child);
  const { pid } = child;
  if (pid === undefined) throw fail('process_failed', `${name} cannot be started`);
  if (nice > 0) (isDetached ? lowerSessionPriority : lowerPriority)(pid, nice);
  if (plan.pidDirectory !== undefined) {
    const forget = notePid(plan.pidDirectory, pid);
    void ended.then(forget);
  }
  return {
    pid,
    isGone: () => child.exitCode !== null || child.signalCode !== null,
    ended: () => ended,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), plan.stopGraceMs);
      const ending = await ended;
      clearTimeout(timer);
      return ending;
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
}

function inherited(): Record<string, string> {
  const { PATH = '', HOME = '', TMPDIR = '/tmp' } = processEnvironment();
  return { PATH, HOME, TMPDIR };
}

function endingOf(child: ChildProcess): Promise<ProcessEnding> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
}

export interface Readiness {
  readonly name: string;
  readonly readyUrl: string;
  readonly logFile: string;
  readonly timeoutMs: number;
  /** Rejects with its reason when it comes first. */
  readonly signal?: AbortSignal;
}

const pollMs = 50;

/** Waits until the URL says ok; fails with `process_failed` when it ended or takes too long. */
export async function whenReady(
  { isGone }: Pick<OwnProcess, 'isGone'>,
  { name, readyUrl, logFile, timeoutMs, signal }: Readiness,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    if (isGone()) throw fail('process_failed', `${name} ended at its start: ${logFile}`);
    if (await answersOk(readyUrl)) return;
    if (performance.now() > deadlineMs) {
      throw fail('process_failed', `${name} is not ready in time: ${logFile}`);
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
