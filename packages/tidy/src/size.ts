import { type Finding, isNode, type Node, type Source, walk } from './source.js';
import { isTest } from './tree.js';

export const functionLinesMax = 70;
export const sourceLinesMax = 400;
export const testLinesMax = 600;

const functionTypes = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
]);

export interface Sized {
  readonly rule: 'function-lines' | 'file-lines';
  /** `path#function` or `path`. */
  readonly key: string;
  readonly lines: number;
}

/**
 * Everything that is longer than it may be; the ratchet decides which of it is known. A file
 * without a function is a table (error codes, schemas) and as long as its list.
 */
export function oversized(source: Source): Sized[] {
  if (isTable(source)) return [];
  const max = isTest(source.path) ? testLinesMax : sourceLinesMax;
  const lines = source.text.trimEnd().split('\n').length;
  const files: Sized[] = lines > max ? [{ rule: 'file-lines', key: source.path, lines }] : [];
  return isTest(source.path) ? files : [...files, ...longFunctions(source)];
}

function isTable(source: Source): boolean {
  let functions = 0;
  walk(source.program, (node) => {
    if (functionTypes.has(node.type)) functions += 1;
  });
  return functions === 0;
}

function longFunctions(source: Source): Sized[] {
  const found: Sized[] = [];
  walk(source.program, (node, parents) => {
    if (!functionTypes.has(node.type)) return;
    const lines = source.lineOf(node.end) - source.lineOf(node.start) + 1;
    if (lines <= functionLinesMax) return;
    const key = `${source.path}#${functionName(node, parents)}`;
    found.push({ rule: 'function-lines', key, lines });
  });
  return found;
}

function functionName(node: Node, parents: readonly Node[]): string {
  const holder = [node, ...[...parents].reverse()].find((one) => isNode(one.id) || isNode(one.key));
  const name = (holder?.id ?? holder?.key) as Node | undefined;
  return String(name?.name ?? name?.value ?? 'anonymous');
}

export type Ratchet = Readonly<Record<Sized['rule'], Readonly<Record<string, number>>>>;

/** A known exception may stay or shrink; a new one, a grown one and a stale one are findings. */
export function againstRatchet(found: readonly Sized[], ratchet: Ratchet): Finding[] {
  const seen = new Set<string>();
  const findings: Finding[] = [];
  for (const { rule, key, lines } of found) {
    seen.add(`${rule} ${key}`);
    const known = ratchet[rule][key];
    if (known === undefined) findings.push(of(rule, key, `${lines} lines: split it`));
    else if (lines > known) findings.push(of(rule, key, `grew from ${known} to ${lines} lines`));
    else if (lines < known) findings.push(of(rule, key, `lower its entry to ${lines}`));
  }
  for (const rule of ['function-lines', 'file-lines'] as const) {
    for (const key of Object.keys(ratchet[rule])) {
      if (!seen.has(`${rule} ${key}`)) findings.push(of(rule, key, 'short by now: take it out'));
    }
  }
  return findings;
}

/** What the ratchet gained since an earlier version of itself: it may only shrink. */
export function growth(before: Ratchet, after: Ratchet): string[] {
  return (['function-lines', 'file-lines'] as const).flatMap((rule) =>
    Object.entries(after[rule])
      .filter(([key, lines]) => lines > (before[rule][key] ?? 0))
      .map(([key]) => `${rule} ${key}`),
  );
}

function of(rule: Sized['rule'], key: string, message: string): Finding {
  return { rule, path: key.split('#')[0] ?? key, line: 1, subject: key, message };
}
