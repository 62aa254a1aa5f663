import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunFile } from '@paycrawl/standalone/run-file';
import { findDevnet } from '@paycrawl/testkit/devnet';
import { childEnvironment } from '../config.js';

/** The whole platform in a process and a data folder of its own, as `npm start -- --no-demo`. */
export interface BenchPlatform {
  readonly run: RunFile;
  readonly dataDir: string;
  readonly pid: number;
  /** Stops the process and its devnet; the data folder stays for the audit. */
  stop(): Promise<void>;
  remove(): Promise<void>;
}

const readyTimeoutMs = 90_000;
const main = createRequire(import.meta.url).resolve('@paycrawl/standalone/main');

export async function startPlatform(
  environment: Record<string, string> = {},
): Promise<BenchPlatform> {
  const dataDir = await mkdtemp(join(tmpdir(), 'paycrawl-bench-'));
  const runFile = join(dataDir, 'run.json');
  const child = spawn(process.execPath, [main, '--no-demo'], {
    env: { ...childEnvironment(), DATA_DIR: dataDir, RUN_FILE: runFile, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const run = await whenReady(child, runFile);
  return {
    run,
    dataDir,
    pid: run.pid,
    stop: () => ended(child),
    remove: async () => {
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
      throw new TypeError('the platform did not become ready');
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return JSON.parse(await readFile(runFile, 'utf8')) as RunFile;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
