import { fail } from '@paycrawl/errors/paycrawl-error';
import { parseSync, visitorKeys } from 'oxc-parser';

/** A syntax node as ESTree has it; only the fields that every node has are typed. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

export interface ImportOf {
  readonly from: string;
  readonly names: readonly string[];
  readonly isTypeOnly: boolean;
  readonly line: number;
}

export interface Source {
  readonly path: string;
  readonly text: string;
  readonly program: Node;
  /** Static and dynamic imports, and `export … from`. */
  readonly imports: readonly ImportOf[];
  lineOf(offset: number): number;
}

/** One broken rule at one place. `subject` is what a list of exceptions names. */
export interface Finding {
  readonly rule: string;
  readonly path: string;
  readonly line: number;
  readonly subject: string;
  readonly message: string;
}

export function parseSource(path: string, text: string): Source {
  const result = parseSync(path, text);
  const [problem] = result.errors;
  if (problem !== undefined) throw fail('internal', `${path} does not parse: ${problem.message}`);
  const program = result.program as unknown as Node;
  const lineOf = lineFinder(text);
  return { path, text, program, imports: importsOf(program, lineOf), lineOf };
}

export type Visit = (node: Node, parents: readonly Node[]) => void;

/** Depth first; `parents` ends with the direct parent. */
export function walk(program: Node, visit: Visit): void {
  const parents: Node[] = [];
  const step = (node: Node): void => {
    visit(node, parents);
    parents.push(node);
    for (const key of visitorKeys[node.type] ?? []) {
      for (const child of [node[key]].flat()) if (isNode(child)) step(child);
    }
    parents.pop();
  };
  step(program);
}

export function finding(
  rule: string,
  source: Source,
  node: Pick<Node, 'start' | 'end'>,
  message: string,
): Finding {
  const line = source.lineOf(node.start);
  const subject = source.text.slice(node.start, node.end).split('\n', 1)[0]?.slice(0, 80) ?? '';
  return { rule, path: source.path, line, subject, message };
}

/** `a.b.c` of a chain of plain member accesses, else undefined. */
export function dotted(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'Identifier') return node.name as string;
  if (node.type !== 'MemberExpression' || node.computed === true) return undefined;
  const object = dotted(node.object);
  return object === undefined ? undefined : `${object}.${(node.property as Node).name as string}`;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

function importsOf(program: Node, lineOf: (offset: number) => number): ImportOf[] {
  const found: ImportOf[] = [];
  walk(program, (node) => {
    const from = (node.source as Node | null | undefined)?.value;
    if (typeof from !== 'string') return;
    const specifiers = (node.specifiers as Node[] | undefined) ?? [];
    const values = specifiers.filter((one) => (one.importKind ?? one.exportKind) !== 'type');
    const isTypeOnly =
      node.importKind === 'type' ||
      node.exportKind === 'type' ||
      (specifiers.length > 0 && values.length === 0);
    found.push({ from, names: values.map(nameOf), isTypeOnly, line: lineOf(node.start) });
  });
  return found;
}

function nameOf(specifier: Node): string {
  const named = (specifier.imported ?? specifier.local) as Node | undefined;
  return specifier.type === 'ImportNamespaceSpecifier' ? '*' : String(named?.name ?? 'default');
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}
