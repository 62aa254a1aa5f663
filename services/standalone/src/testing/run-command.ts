import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../config.js';

export interface Ran {
  /** -1 where a signal ended it. */
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
  return runProgram(`services/standalone/dist/operator/${command}-cli.js`, argv, environment);
}

/** `npm run migrate -- …`. */
export function runMigrate(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Ran> {
  return runProgram('services/standalone/dist/migration/migrate-cli.js', argv, environment);
}

/** Runs a program, named from the root of the repository, to its end, whatever that is. */
export function runProgram(
  program: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Ran> {
  const path = fileURLToPath(new URL(`../../../../${program}`, import.meta.url));
  const env = { ...childEnvironment(), ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [path, ...argv], { env }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1;
      resolve({ code, stdout, stderr });
    });
  });
}
