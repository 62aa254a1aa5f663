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
  /** Ends what still runs, the devnet too, and deletes the data. */
  remove(): Promise<void>;
}

const readyTimeoutMs = 90_000;
/** The built program, also when this file is run from its source by the test runner. */
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface PlatformProcessOptions {
  /** A data folder to go on with; a new one in the temporary directory when absent. */
  readonly dataDir?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export async function startPlatformProcess(
  options: PlatformProcessOptions = {},
): Promise<PlatformProcess> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'paycrawl-')));
  const runFile = join(dataDir, 'run.json');
  await rm(runFile, { force: true });
  const child = spawn(process.execPath, [main, '--no-demo'], {
    env: { ...childEnvironment(), DATA_DIR: dataDir, RUN_FILE: runFile, ...options.environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const run = await whenReady(child, runFile);
  return {
    run,
    dataDir,
    pid: run.pid,
    kill: () => ended(child, 'SIGKILL'),
    stop: () => ended(child, 'SIGTERM'),
    remove: async () => {
      await ended(child, 'SIGKILL');
      const search = await findDevnet(join(dataDir, 'devnet'));
      if (search.outcome === 'found') await search.devnet.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function whenReady(child: ChildProcess, runFile: string): Promise<RunFile> {
  const deadlineMs = Date.now() + readyTimeoutMs;
  while (!existsSync(runFile)) {
    if (child.exitCode !== null || Date.now() > deadlineMs) {
      throw fail('internal', 'The platform did not become ready.');
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return JSON.parse(await readFile(runFile, 'utf8')) as RunFile;
}

function ended(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}
