import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { processEnvironment } from '@paycrawl/service-kit/config';

/** k6 is a Go program: npm cannot bring it. Where it is missing, Go builds it, once. */
const goModule = 'go.k6.io/k6@v1.8.1';
const folder = fileURLToPath(new URL('../../../infra/tools/k6/bin', import.meta.url));
const name = process.platform === 'win32' ? 'k6.exe' : 'k6';

/** Ours, else the one on PATH; undefined where there is none. */
export function findK6(): string | undefined {
  const own = join(folder, name);
  if (existsSync(own)) return own;
  return spawnSync(name, ['version']).status === 0 ? name : undefined;
}

export function findOrInstallK6(write: (line: string) => void): string {
  const found = findK6();
  if (found !== undefined) return found;
  write(`building ${goModule} (once; some minutes) …`);
  const env = { ...processEnvironment(), GOBIN: folder };
  const { status, error } = spawnSync('go', ['install', goModule], { env, stdio: 'inherit' });
  if (status !== 0) {
    throw fail('bench_failed', 'k6 could not be built: install it, or Go 1.24 or newer', {
      cause: error,
    });
  }
  return join(folder, name);
}
