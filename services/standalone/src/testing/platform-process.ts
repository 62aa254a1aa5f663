import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { findDevnet } from '@paycrawl/testkit/devnet';
import { childEnvironment } from '../config.js';
import type { RunFile } from '../run-file.js';

/** The whole platform in a process and a data folder of its own, as `npm start -- --no-demo`. */
export interface PlatformProcess {
  readonly run: RunFile;
  readonly dataDir: string;
  readonly pid: number;
  /** SIGKILL, as a power cut of the platform; the devnet and the data stay. */
  kill(): Promise<void>;
  /** SIGTERM; the devnet and the data stay. */
  stop(): Promise<void>;
  /** Resolves when the process is gone, whoever ended it. */
  ended(): Promise<Ending>;
  /** Ends what still runs, the devnet too, and deletes the data. */
  remove(): Promise<void>;
}

export interface Ending {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** As in the root package's `start`: most objects of a request die before they are moved. */
const startFlags = ['--max-semi-space-size=64'];

const readyTimeoutMs = 90_000;
/** The built program, also when this file is run from its source by the test runner. */
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface PlatformProcessOptions {
  /** A data folder to go on with; a new one in the temporary directory when absent. */
  readonly dataDir?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

export async function startPlatformProcess(
  options: PlatformProcessOptions = {},
): Promise<PlatformProcess> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'paycrawl-')));
  const runFile = join(dataDir, 'run.json');
  const child = launch({ ...options, dataDir }, 'inherit');
  const run = await whenReady(child, runFile).catch(async (error: unknown) => {
    await end(child, 'SIGKILL');
    // Nobody else knows of a folder that was made here.
    if (options.dataDir === undefined) await removeDataDir(dataDir);
    throw error;
  });
  return {
    run,
    dataDir,
    pid: run.pid,
    kill: () => end(child, 'SIGKILL'),
    stop: () => end(child, 'SIGTERM'),
    ended: () => endingOf(child),
    remove: async () => {
      await end(child, 'SIGKILL');
      await removeDataDir(dataDir);
    },
  };
}

/** A start that ends by itself: how it ended, and what it said to the person. */
export async function runToItsEnd(
  options: PlatformProcessOptions & { readonly dataDir: string },
): Promise<Ending & { readonly said: string }> {
  const child = launch(options, 'pipe');
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  // SIGTERM: told apart from a process that dies of what it was asked to do.
  const timer = setTimeout(() => child.kill('SIGTERM'), readyTimeoutMs);
  const ending = await endingOf(child);
  clearTimeout(timer);
  return { ...ending, said };
}

/** Ends the devnet of a data folder and deletes the folder. */
export async function removeDataDir(dataDir: string): Promise<void> {
  const search = await findDevnet(join(dataDir, 'devnet'));
  if (search.outcome === 'found') await search.devnet.stop();
  await rm(dataDir, { recursive: true, force: true });
}

function launch(
  { dataDir, environment, flags = [] }: PlatformProcessOptions & { readonly dataDir: string },
  stderr: 'inherit' | 'pipe',
): ChildProcess {
  const files = { DATA_DIR: dataDir, RUN_FILE: join(dataDir, 'run.json') };
  return spawn(process.execPath, [...startFlags, main, '--no-demo', ...flags], {
    env: { ...childEnvironment(), ...files, ...environment },
    stdio: ['ignore', 'ignore', stderr],
  });
}

async function whenReady(child: ChildProcess, runFile: string): Promise<RunFile> {
  const deadlineMs = Date.now() + readyTimeoutMs;
  // One of a start that was killed may lie there until this one takes it away.
  for (;;) {
    const run = existsSync(runFile) ? await readRun(runFile) : undefined;
    if (run !== undefined && run.pid === child.pid) return run;
    if (isGone(child) || Date.now() > deadlineMs) {
      throw fail('internal', 'The platform did not become ready.');
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function readRun(runFile: string): Promise<RunFile | undefined> {
  try {
    return JSON.parse(await readFile(runFile, 'utf8')) as RunFile;
  } catch {
    // Taken away between the question and the answer.
    return undefined;
  }
}

function isGone({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  child.kill(signal);
  await endingOf(child);
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    const ending = () => resolve({ code: child.exitCode, signal: child.signalCode });
    if (isGone(child)) return ending();
    child.once('exit', ending);
  });
}
