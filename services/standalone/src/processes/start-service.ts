import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { processEnvironment } from '@paycrawl/service-kit/config';

/** A service as a process of its own: `services/<name>/dist/main.js`, configured by environment. */
export type ServiceName = 'ingress' | 'verifier' | 'metering' | 'settlement' | 'analytics';

export interface ServiceSpec {
  readonly service: ServiceName;
  /** Names this instance in messages; a service may have several. */
  readonly instance: string;
  /** The whole of it: nothing is inherited but where programs and temporary files are. */
  readonly environment: Readonly<Record<string, string>>;
  /** Standard output and errors are appended here. */
  readonly logFile: string;
  /** Its `/readyz`. */
  readonly readyUrl: string;
}

export interface RunningService {
  readonly instance: string;
  readonly pid: number;
  isGone(): boolean;
  /** Resolves when it is gone, whoever ended it. */
  ended(): Promise<ServiceEnding>;
  /** Waits until `/readyz` says ok; fails with `process_failed` when it ended or takes too long. */
  ready(timeoutMs?: number): Promise<void>;
  /** SIGKILL: as a power cut. */
  kill(): Promise<void>;
  /** SIGTERM; its exit code, 0 if everything could be closed. */
  stop(): Promise<ServiceEnding>;
  /** SIGSTOP: everybody else believes that it is dead. */
  freeze(): void;
  /** SIGCONT: the zombie goes on where it was. */
  thaw(): void;
  /** What it has logged so far. */
  log(): Promise<string>;
}

export interface ServiceEnding {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const readyTimeoutMsDefault = 60_000;
const pollMs = 50;
/** As the orchestrators do it: then SIGKILL. */
const stopGraceMs = 30_000;

/** Does not wait for it to be ready: ask for that, so that several may start at once. */
export async function startService(spec: ServiceSpec): Promise<RunningService> {
  const { service, instance, environment, logFile } = spec;
  const log = await open(logFile, 'a', 0o600);
  const child = spawn(process.execPath, ['--max-semi-space-size=64', programOf(service)], {
    env: { ...inherited(), ...environment },
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  const ended = endingOf(child);
  const { pid } = child;
  if (pid === undefined) throw fail('process_failed', `${instance} cannot be started`);
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    ...{ instance, pid, isGone },
    ended: () => ended,
    ready: (timeoutMs = readyTimeoutMsDefault) => whenReady(spec, isGone, timeoutMs),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopGraceMs);
      const ending = await ended;
      clearTimeout(timer);
      return ending;
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    log: () => readFile(logFile, 'utf8'),
  };
}

/** The built program, also when this file is run from its source by the test runner. */
function programOf(service: ServiceName): string {
  return fileURLToPath(new URL(`../../../${service}/dist/main.js`, import.meta.url));
}

function inherited(): Record<string, string> {
  const { PATH = '', HOME = '', TMPDIR = '/tmp' } = processEnvironment();
  return { PATH, HOME, TMPDIR };
}

async function whenReady(
  { instance, readyUrl, logFile }: ServiceSpec,
  isGone: () => boolean,
  timeoutMs: number,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    if (isGone()) throw fail('process_failed', `${instance} ended at its start: ${logFile}`);
    if (await answersOk(readyUrl)) return;
    if (performance.now() > deadlineMs) {
      throw fail('process_failed', `${instance} is not ready in time: ${logFile}`);
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

function endingOf(child: ChildProcess): Promise<ServiceEnding> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
}
