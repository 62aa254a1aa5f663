import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail } from '@paycrawl/errors/paycrawl-error';

/** A package of its own, no workspace: nobody who does not measure peers installs them. */
export const peersFolder = fileURLToPath(new URL('../../peers', import.meta.url));

export function installPeers(write: (line: string) => void): void {
  if (isInstalled()) return;
  write('installing the reference stack (once; a hundred megabytes) …');
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const shell = process.platform === 'win32';
  const { status, error } = spawnSync('npm', args, { cwd: peersFolder, stdio: 'inherit', shell });
  if (status === 0) return;
  throw fail('bench_failed', 'the reference stack could not be installed', { cause: error });
}

/** npm's last step is to write down what it installed. */
function isInstalled(): boolean {
  const stamp = join(peersFolder, 'node_modules', '.package-lock.json');
  if (!existsSync(stamp)) return false;
  const present = packagesIn(stamp);
  return Object.entries(packagesIn(join(peersFolder, 'package-lock.json'))).every(
    ([path, { version, optional, peer }]) =>
      path === '' || present[path]?.version === version || optional === true || peer === true,
  );
}

interface Locked {
  readonly version?: string;
  readonly optional?: boolean;
  readonly peer?: boolean;
}

function packagesIn(path: string): Record<string, Locked | undefined> & Record<string, Locked> {
  return JSON.parse(readFileSync(path, 'utf8')).packages;
}
