import { posix } from 'node:path';
import type { Finding, ImportOf, Source } from './source.js';
import { isTest } from './tree.js';

/**
 * The order of the workspaces, lowest first; an import goes to a workspace that stands on an
 * earlier line, or earlier on the same line where one of a level is built on another.
 */
export const levels: readonly (readonly string[])[] = [
  ['errors', 'money'],
  ['events', 'crypto', 'ledger', 'pricing', 'protocol'],
  ['event-log', 'fold', 'warehouse', 'chain', 'service-kit'],
  ['crawler'],
  ['testkit', 'tidy'],
  ['ingress', 'verifier', 'metering', 'settlement', 'analytics', 'console'],
  ['standalone'],
  ['loadtest'],
  ['simulator'],
];

const pureLevels = 2;
const services = new Set(levels[5]);
const order = levels.flat();

/** Pairs that the order alone would allow and the design does not. */
const forbiddenPairs: readonly (readonly [from: string, to: string, why: string])[] = [
  ['protocol', 'events', 'the log outlives the wire: services translate between them'],
  ['pricing', 'events', 'rules are data of their own; events carry them'],
  ['crypto', 'events', 'hashing knows bytes, not events'],
  ['ledger', 'events', 'accounts know entries, not events'],
];

interface Owned {
  readonly pattern: RegExp;
  readonly owners: readonly string[];
  readonly instead: string;
}

const ownedPackages: readonly Owned[] = [
  // The fold keeps its own state in LMDB; the log's environments belong to event-log alone.
  { pattern: /^lmdb$/, owners: ['event-log', 'fold'], instead: 'the event log port' },
  { pattern: /^kafkajs$/, owners: ['event-log'], instead: 'the event log port' },
  // The testkit puts the engine behind a server's interface, for tests of the network adapter.
  { pattern: /^chdb$/, owners: ['warehouse', 'testkit'], instead: 'the warehouse port' },
  { pattern: /^@clickhouse\/.*$/, owners: ['warehouse'], instead: 'the warehouse port' },
];

/** Makers of chain clients and of signers, by name, from viem. */
const clientMakers = /^create(Public|Wallet|Test)?Client$/;
const clientOwners = ['chain', 'testkit', 'standalone'];
const signerMakers = /^(privateKeyToAccount|mnemonicToAccount|hdKeyToAccount|signTransaction)$/;
const signerOwners = ['settlement', 'testkit', 'standalone', 'crawler', 'simulator'];

/** What a pure package may take from Node: bytes, hashes, and require for addons and data files. */
const pureNodeModules = new Set(['node:crypto', 'node:buffer', 'node:util', 'node:module']);

export function workspaceOf(path: string): string | undefined {
  return /^(?:packages|services)\/([^/]+)\//.exec(path)?.[1] ?? /^(loadtest)\//.exec(path)?.[1];
}

export function isPure(path: string): boolean {
  const workspace = workspaceOf(path);
  return levels.slice(0, pureLevels).some((level) => level.includes(workspace ?? ''));
}

export function checkLayers(source: Source): Finding[] {
  const workspace = workspaceOf(source.path);
  if (workspace === undefined) return [];
  const say = (one: ImportOf, message: string): Finding => ({
    rule: 'layers',
    path: source.path,
    line: one.line,
    subject: one.from,
    message,
  });
  return source.imports.flatMap((one) =>
    [
      direction(workspace, one, source.path),
      relativeEscape(one, source.path),
      owned(workspace, one, source.path),
      chainClient(workspace, one, source.path),
      purity(one, source.path),
    ]
      .filter((message) => message !== undefined)
      .map((message) => say(one, message)),
  );
}

function direction(workspace: string, one: ImportOf, path: string): string | undefined {
  const target = /^@paycrawl\/([^/]+)/.exec(one.from)?.[1];
  if (target === undefined || target === workspace) return undefined;
  if (!order.includes(target)) return `${target} has no place in the order of the workspaces`;
  if (isTest(path) && target === 'testkit') return undefined;
  if (services.has(workspace) && target === 'testkit') return 'testkit is for tests';
  if (services.has(workspace) && services.has(target)) {
    return `a service never imports a service (${workspace} → ${target}): meet in the log`;
  }
  const forbidden = forbiddenPairs.find(([from, to]) => from === workspace && to === target);
  if (forbidden !== undefined) return `${workspace} does not import ${target}: ${forbidden[2]}`;
  if (order.indexOf(target) < order.indexOf(workspace)) return undefined;
  return `imports go downward only (${workspace} → ${target})`;
}

/** `../../other/src/file.js` would go around the order and around `exports`. */
function relativeEscape(one: ImportOf, path: string): string | undefined {
  if (!one.from.startsWith('.')) return undefined;
  const target = posix.normalize(posix.join(posix.dirname(path), one.from));
  if (workspaceOf(target) === workspaceOf(path)) return undefined;
  return 'import another workspace by its name, @paycrawl/<name>/<file>';
}

function owned(workspace: string, one: ImportOf, path: string): string | undefined {
  const rule = ownedPackages.find(({ pattern }) => pattern.test(one.from));
  if (rule === undefined || rule.owners.includes(workspace)) return undefined;
  if (isTest(path) && workspace === 'testkit') return undefined;
  return `only ${rule.owners.join(' and ')} may import ${one.from}: use ${rule.instead}`;
}

function chainClient(workspace: string, one: ImportOf, path: string): string | undefined {
  if (!/^(viem|@paycrawl\/chain)(\/|$)/.test(one.from) || isTest(path)) return undefined;
  if (workspace === 'loadtest') return undefined;
  if (one.names.some((name) => clientMakers.test(name)) && !clientOwners.includes(workspace)) {
    return 'only chain makes viem clients';
  }
  if (one.names.some((name) => signerMakers.test(name)) && !signerOwners.includes(workspace)) {
    return 'only settlement gets a signer';
  }
  return undefined;
}

function purity(one: ImportOf, path: string): string | undefined {
  if (!isPure(path) || isTest(path) || !one.from.startsWith('node:')) return undefined;
  if (pureNodeModules.has(one.from)) return undefined;
  return `levels 0 and 1 are pure: no ${one.from}`;
}

/** Files of one workspace that import each other in a circle at run time. */
export function checkCycles(sources: readonly Source[]): Finding[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const findings: Finding[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const circle = [...trail.slice(start), path].join(' → ');
      findings.push({ rule: 'cycles', path, line: 1, subject: path, message: circle });
      return;
    }
    if (done.has(path)) return;
    const source = byPath.get(path);
    for (const one of source?.imports ?? []) {
      if (one.isTypeOnly || !one.from.startsWith('.')) continue;
      visit(resolveRelative(path, one.from, byPath), [...trail, path]);
    }
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return findings;
}

const decidingName = /^services\/[^/]+\/src\/(.*\/)?([a-z-]+-)?(decide|state|evolve|fold)\.ts$/;

/** The files that decide, and all of their workspace that they are built on: none may be impure. */
export function decidingFiles(sources: readonly Source[]): ReadonlySet<string> {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    for (const one of byPath.get(path)?.imports ?? []) {
      if (one.isTypeOnly || !one.from.startsWith('.')) continue;
      visit(resolveRelative(path, one.from, byPath));
    }
  };
  for (const { path } of sources) if (decidingName.test(path) || isPure(path)) visit(path);
  return found;
}

function resolveRelative(path: string, from: string, known: ReadonlyMap<string, Source>): string {
  const target = posix.normalize(posix.join(posix.dirname(path), from));
  const candidates = ['.ts', '.tsx'].map((end) => target.replace(/\.jsx?$/, '') + end);
  return candidates.find((candidate) => known.has(candidate)) ?? target;
}
