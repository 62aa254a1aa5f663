import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository: three folders above the source or the build of this file. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** What git tracks or would track; new files obey the rules before they are committed. */
export function filesOfTree(): readonly string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  return listed
    .split('\0')
    .filter((path) => path !== '' && isFile(path))
    .sort();
}

export function readTree(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function readTreeJson<T>(path: string): T {
  return JSON.parse(readTree(path)) as T;
}

/** A tracked file that was just deleted is still listed. */
function isFile(path: string): boolean {
  return statSync(join(root, path), { throwIfNoEntry: false })?.isFile() === true;
}

export const isTypeScript = (path: string): boolean =>
  /\.tsx?$/.test(path) && !path.endsWith('.d.ts');

/** Tests, contract suites and the fault matrix: they may do what sources may not. */
export const isTest = (path: string): boolean =>
  /\.(test|test-d|contract|fuzz|given)\.tsx?$|^services\/standalone\/src\/faults\//.test(path);

/** Code that ships: src of a workspace, without its tests. */
export const isSource = (path: string): boolean =>
  isTypeScript(path) &&
  !isTest(path) &&
  /^(packages|services)\/[^/]+\/src\/|^loadtest\/src\//.test(path);
