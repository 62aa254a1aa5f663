import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../config.js';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a built command of `operator/`, as `npm run` does. */
export function runOperator(
  command: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Ran> {
  const path = fileURLToPath(new URL(`../../dist/operator/${command}-cli.js`, import.meta.url));
  const env = { ...childEnvironment(), ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [path, ...argv], { env }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1;
      resolve({ code, stdout, stderr });
    });
  });
}
