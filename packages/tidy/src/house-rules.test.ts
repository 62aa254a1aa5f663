import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { type Allowance, print, withoutAllowed } from './allowances.js';
import { checkDeclared, checkUsed, type PackageJson, referencesOff } from './declared.js';
import { checkCycles, checkLayers, decidingFiles } from './layers.js';
import { againstRatchet, growth, oversized, type Ratchet } from './size.js';
import { type Finding, parseSource, type Source } from './source.js';
import { checkSyntax, checkTestSyntax } from './syntax.js';
import { checkName, checkText, missingHeadings } from './text.js';
import {
  filesOfTree,
  isSource,
  isTest,
  isTypeScript,
  readTree,
  readTreeJson,
  root,
} from './tree.js';

const files = filesOfTree();
const scripts: readonly Source[] = files
  .filter((path) => isTypeScript(path) && /^(packages|services|loadtest)\//.test(path))
  .map((path) => parseSource(path, readTree(path)));
const sources = scripts.filter(({ path }) => isSource(path));
const deciding = decidingFiles(sources);
const tests = scripts.filter(({ path }) => isTest(path));
const ratchet = readTreeJson<Ratchet>('packages/tidy/ratchet.json');
const allowances = readTreeJson<Allowance[]>('packages/tidy/allowances.json');

const checked = withoutAllowed(
  [
    ...scripts.flatMap(checkLayers),
    ...sources.flatMap((source) => checkSyntax(source, deciding.has(source.path))),
    ...tests.flatMap(checkTestSyntax),
    ...checkCycles(sources),
    ...scripts.flatMap(declaredFindings),
    ...workspaces().flatMap(usedFindings),
    ...files.flatMap((path) => checkText(path, readTree(path))),
    ...scripts.flatMap(({ path }) => checkName(path)),
  ],
  allowances,
);

function declaredFindings(source: Source): Finding[] {
  const folder = /^(?:packages|services)\/[^/]+|^loadtest/.exec(source.path)?.[0] ?? '';
  const own = readTreeJson<PackageJson>(join(folder, 'package.json'));
  return checkDeclared(source, own, readTreeJson<PackageJson>('package.json'));
}

function usedFindings(folder: string): Finding[] {
  const programs = files.filter(
    (path) => path.startsWith(`${folder}/`) && /\.(tsx?|m?js|css|html)$/.test(path),
  );
  const path = `${folder}/package.json`;
  return checkUsed(path, readTreeJson<PackageJson>(path), programs.map(readTree));
}

/** The folders of all workspaces, from the root. */
function workspaces(): string[] {
  return [
    ...foldersBelow('packages').map((name) => `packages/${name}`),
    ...foldersBelow('services').map((name) => `services/${name}`),
    'loadtest',
  ];
}

test.each([
  'layers',
  'cycles',
  'declared',
  'used',
  'environment',
  'console',
  'bare-error',
  'export-all',
  'export-default',
  'barrel',
  'impure',
  'float',
  'skipped-test',
  'leftover',
  'absolute-path',
  'registry-host',
  'name',
])('rule: %s', (rule) => {
  expect(print(checked.findings.filter((one) => one.rule === rule))).toEqual([]);
});

test('rule: every allowance is needed and says why', () => {
  expect(checked.unused).toEqual([]);
  expect(allowances.filter(({ reason }) => reason.length < 20)).toEqual([]);
});

test('rule: functions of at most 70 lines, files of at most 400 (tests 600), but for the ratchet', () => {
  const subjects = scripts.filter(({ path }) => isSource(path) || isTest(path));
  expect(print(againstRatchet(subjects.flatMap(oversized), ratchet))).toEqual([]);
});

test('rule: the ratchet only shrinks', () => {
  for (const commit of ['HEAD', 'HEAD~1']) {
    const before = ratchetAt(commit);
    if (before !== undefined) expect(growth(before, ratchet)).toEqual([]);
  }
});

test('rule: every service has its rooms, and a README with the six headings', () => {
  const services = foldersBelow('services');
  const rooms = services
    .filter((name) => name !== 'console')
    .flatMap((name) => ['config.ts', 'main.ts'].map((room) => `services/${name}/src/${room}`));
  expect(rooms.filter((path) => !files.includes(path))).toEqual([]);
  const lacking = services.map((name) => {
    const path = `services/${name}/README.md`;
    return {
      path,
      missing: files.includes(path) ? missingHeadings(readTree(path)) : ['README.md'],
    };
  });
  expect(lacking.filter(({ missing }) => missing.length > 0)).toEqual([]);
});

test('rule: every test file is run by a runner', () => {
  const configs = files.filter((path) => /(^|\/)vitest(\.\w+)?\.config\.ts$/.test(path));
  const run = new Set(configs.flatMap(filesRunBy));
  const written = files.filter((path) => /\.(test|fuzz|int)\.tsx?$/.test(path));
  expect(written.filter((path) => !run.has(path))).toEqual([]);
});

test('rule: every workspace is built by the root', () => {
  const { references } = readTreeJson<{ references: { path: string }[] }>('tsconfig.json');
  const built = references.map(({ path }) => path.replace('./', ''));
  // The console is built by its bundler.
  const all = workspaces().filter((path) => path !== 'services/console');
  expect(all.filter((path) => !built.includes(path))).toEqual([]);
});

test('rule: a workspace refers to what it depends on, so that it is built first', () => {
  const off = workspaces()
    .filter((path) => path !== 'services/console')
    .flatMap((path) => {
      const own = readTreeJson<PackageJson>(`${path}/package.json`);
      const config = readTreeJson<{ references?: { path: string }[] }>(`${path}/tsconfig.json`);
      const references = (config.references ?? []).map((one) => basename(one.path));
      return referencesOff(own, references).map((what) => `${path}: ${what}`);
    });
  expect(off).toEqual([]);
});

test('rule: the lockfile knows what every package.json asks for (else: npm install)', () => {
  const lock = readTreeJson<{ packages: Record<string, PackageJson> }>('package-lock.json');
  const manifests = files.filter((path) =>
    /^((packages|services)\/[^/]+\/|loadtest\/)?package\.json$/.test(path),
  );
  const asked = ({ dependencies = {}, devDependencies = {} }: Partial<PackageJson>) => ({
    dependencies,
    devDependencies,
  });
  for (const path of manifests) {
    const locked = lock.packages[path.replace(/\/?package\.json$/, '')];
    expect([path, asked(locked ?? {})]).toEqual([path, asked(readTreeJson<PackageJson>(path))]);
  }
});

/** Asks the runner itself, so that no pattern is read twice in two ways. */
function filesRunBy(config: string): string[] {
  const program = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [program, 'list', '--filesOnly', '--json', '--config', join(root, config)];
  const cwd = join(root, config, '..');
  const listed = execFileSync(process.execPath, args, { cwd, encoding: 'utf8' });
  const entries = JSON.parse(listed.slice(listed.indexOf('['))) as { file: string }[];
  return entries.map(({ file }) => file.slice(root.length + 1));
}

function foldersBelow(folder: string): string[] {
  const pattern = new RegExp(`^${folder}/([^/]+)/package\\.json$`);
  return files.map((path) => pattern.exec(path)?.[1]).filter((name) => name !== undefined);
}

function ratchetAt(commit: string): Ratchet | undefined {
  if (!existsSync(join(root, '.git'))) return undefined;
  try {
    const args = ['show', `${commit}:packages/tidy/ratchet.json`];
    const shown = execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return JSON.parse(shown) as Ratchet;
  } catch {
    return undefined;
  }
}
