/**
 * Makes a checkout ready: right Node, packages from the lockfile, everything built. Runs before
 * `npm start` and `npm test`, so it does nothing, fast, when nothing changed. Plain Node without
 * dependencies, because it runs before there are any.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** The oldest Node that the console's bundler runs on; everything else is content with 20.0. */
const nodeMin = [20, 19];

requireNode();
if (!isInstalled()) install();
build();

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > nodeMin[0] || (major === nodeMin[0] && minor >= nodeMin[1])) return;
  stop(`paycrawl needs Node ${nodeMin.join('.')} or newer; this is ${process.version}.`);
}

/**
 * npm writes what it installed to node_modules/.package-lock.json as its last step, so that file
 * is the stamp: it is missing after an interrupted install and differs after a changed lockfile.
 */
function isInstalled() {
  const stamp = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(stamp)) return false;
  const wanted = packagesIn(join(root, 'package-lock.json'));
  const present = packagesIn(stamp);
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/')) return true;
    // Optional packages are those of other platforms.
    if (present[path] === undefined) return entry.optional === true || entry.peer === true;
    return present[path].version === entry.version;
  });
}

function packagesIn(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages;
}

function install() {
  say('installing packages (once; a minute or two) …');
  // Everything native comes prebuilt as a package: no install script has to run.
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
}

function build() {
  const turbo = join(root, 'node_modules', 'turbo', 'bin', 'turbo');
  const tasks = ['//#build:ts', '@paycrawl/console#build'];
  const flags = ['--ui=stream', '--output-logs=errors-only', '--log-order=grouped'];
  const started = performance.now();
  run(process.execPath, [turbo, 'run', ...tasks, ...flags], 'quiet');
  const seconds = (performance.now() - started) / 1000;
  if (seconds > 2) say(`built in ${seconds.toFixed(0)} s`);
}

function run(command, args, volume) {
  const result = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', FORCE_COLOR: '0' },
    // Windows finds npm only through the shell.
    shell: process.platform === 'win32' && command === 'npm',
    stdio: volume === 'quiet' ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  stop(`${[command, ...args].join(' ')} failed${result.error ? `: ${result.error.message}` : ''}`);
}

function say(text) {
  process.stdout.write(`paycrawl: ${text}\n`);
}

function stop(text) {
  process.stderr.write(`paycrawl: ${text}\n`);
  process.exit(1);
}
