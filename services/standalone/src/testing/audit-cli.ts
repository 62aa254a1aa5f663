import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../config.js';

const cli = fileURLToPath(new URL('../../../../loadtest/dist/audit-cli.js', import.meta.url));

/** What `npm run audit` says about a data folder, line by line; the last one is the verdict. */
export function auditLines(
  dataDir: string,
  /** Of another log than the embedded one. */
  environment: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const env = { ...childEnvironment(), RUN_FILE: join(dataDir, 'run.json'), ...environment };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [cli, '--data', dataDir], { env }, (error, stdout, stderr) => {
      // Findings are an answer too; only an audit that could not be made is none.
      if (stderr !== '') reject(error ?? stderr);
      else resolve(stdout.trim().split('\n'));
    });
  });
}

export const cleanVerdict = 'loss 0, duplicates 0';
