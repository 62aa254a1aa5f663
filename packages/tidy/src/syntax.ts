import { workspaceOf } from './layers.js';
import { dotted, type Finding, finding, isNode, type Node, type Source, walk } from './source.js';

/** Rules that one file can break by itself; each message names what to do instead. */

const configFile = /(^|\/)(config|[a-z-]+\.config)\.ts$/;
const cliFile = /(^|\/)(cli|[a-z-]+-cli)\.ts$|\/cli\//;

/** No-one may ask for the time or chance where the same input must give the same output. */
const impure = new Map([
  ['Date.now', 'time comes in as an argument'],
  ['performance.now', 'time comes in as an argument'],
  ['process.hrtime', 'time comes in as an argument'],
  ['Math.random', 'chance comes in as an argument'],
  ['randomUUID', 'ids come in as arguments or follow from the cause'],
  ['crypto.randomUUID', 'ids come in as arguments or follow from the cause'],
  ['randomBytes', 'chance comes in as an argument'],
  ['crypto.getRandomValues', 'chance comes in as an argument'],
  ['setTimeout', 'timers are data: TimePassed'],
  ['setInterval', 'timers are data: TimePassed'],
  ['fetch', 'the network is asked by a driver beside the fold'],
]);

const bareErrors = new Set(['Error', 'TypeError', 'RangeError', 'AggregateError', 'EvalError']);

/** Where amounts live: no floating point, no division that rounds without saying so. */
const moneyWorkspaces = new Set([
  'money',
  'ledger',
  'protocol',
  'pricing',
  'metering',
  'settlement',
]);
const floatCalls = new Set([
  'Number',
  'parseFloat',
  'Number.parseFloat',
  'Math.round',
  'Math.floor',
  'Math.ceil',
  'Math.trunc',
]);

export function checkSyntax(source: Source, isDeciding: boolean): Finding[] {
  const found: Finding[] = [];
  const isMoney = moneyWorkspaces.has(workspaceOf(source.path) ?? '');
  walk(source.program, (node, parents) => {
    found.push(...environment(source, node), ...consoleUse(source, node));
    found.push(...bareThrow(source, node), ...exportsAll(source, node));
    if (isDeciding) found.push(...impurity(source, node, parents));
    if (isMoney && !isExempt(source, node, parents)) found.push(...floats(source, node));
  });
  return found;
}

/** Findings that also hold for tests. */
export function checkTestSyntax(source: Source): Finding[] {
  const found: Finding[] = [];
  walk(source.program, (node) => {
    if (node.type !== 'CallExpression') return;
    const name = dotted(node.callee) ?? '';
    if (!/^(test|it|describe)\.(only|skip|todo)\b/.test(name)) return;
    const instead = 'a test runs, or says with skipIf and a printed reason why it cannot';
    found.push(finding('skipped-test', source, node, instead));
  });
  return found;
}

function environment(source: Source, node: Node): Finding[] {
  if (configFile.test(source.path) || dotted(node) !== 'process.env') return [];
  return [finding('environment', source, node, 'only config.ts reads process.env: pass the value')];
}

function consoleUse(source: Source, node: Node): Finding[] {
  if (cliFile.test(source.path) || node.type !== 'MemberExpression') return [];
  if (dotted(node.object) !== 'console') return [];
  return [finding('console', source, node, 'use the logger; only a CLI writes to the console')];
}

function bareThrow(source: Source, node: Node): Finding[] {
  if (node.type !== 'NewExpression' || !bareErrors.has(dotted(node.callee) ?? '')) return [];
  return [finding('bare-error', source, node, "use fail('code', 'detail') of @paycrawl/errors")];
}

function exportsAll(source: Source, node: Node): Finding[] {
  if (node.type === 'ExportAllDeclaration') {
    return [finding('export-all', source, node, 'export by name from the defining file')];
  }
  if (node.type === 'ExportDefaultDeclaration' && !configFile.test(source.path)) {
    return [finding('export-default', source, node, 'export by name: one name everywhere')];
  }
  if (node.type !== 'Program' || !isBarrel(node)) return [];
  return [finding('barrel', source, { start: 0, end: 1 }, 'import the defining file instead')];
}

/** A file that does nothing but pass on what other files define. */
function isBarrel(program: Node): boolean {
  const statements = (program.body as Node[]).filter(({ type }) => type !== 'ImportDeclaration');
  return (
    statements.length > 0 &&
    statements.every((one) => one.type === 'ExportNamedDeclaration' && one.declaration === null)
  );
}

function impurity(source: Source, node: Node, parents: readonly Node[]): Finding[] {
  const isNewDate =
    node.type === 'NewExpression' &&
    dotted(node.callee) === 'Date' &&
    (node.arguments as Node[]).length === 0;
  if (isNewDate) return [finding('impure', source, node, 'time comes in as an argument')];
  if (node.type !== 'MemberExpression' && node.type !== 'Identifier') return [];
  const name = dotted(node);
  const instead = name === undefined ? undefined : impure.get(name);
  if (instead === undefined || !isUse(node, parents.at(-1))) return [];
  return [finding('impure', source, node, instead)];
}

/** An identifier that names a property or a parameter is not a use of the global. */
function isUse(node: Node, parent: Node | undefined): boolean {
  if (node.type !== 'Identifier') return true;
  return parent?.type === 'CallExpression' && parent.callee === node;
}

/** Names that say they are no amount: durations, sizes, counts. */
const unitName = /(Ms|Seconds|Bytes|Count|Percent|PerSecond|Rows)$/;

/**
 * Two ways out: the operand's name carries a unit that is no money (`nowMs / 1000`), or a function
 * of the money package says in its name which way it rounds.
 */
function isExempt(source: Source, node: Node, parents: readonly Node[]): boolean {
  const operands = [node.left, node.right, ...((node.arguments as Node[] | undefined) ?? [])];
  if (operands.some((one) => isNode(one) && hasUnit(one))) return true;
  const rounds = parents.some((one) => /Rounding(Up|Down)/.test(nameOf(one)));
  return rounds && workspaceOf(source.path) === 'money';
}

function hasUnit(node: Node): boolean {
  if (node.type === 'CallExpression') return isNode(node.callee) && hasUnit(node.callee);
  const sides = [node.left, node.right, node.expression].filter(isNode);
  if (sides.length > 0) return sides.some(hasUnit);
  return unitName.test((dotted(node) ?? '').split('.').at(-1) ?? '');
}

function nameOf(node: Node): string {
  return isNode(node.id) ? String(node.id.name ?? '') : '';
}

function floats(source: Source, node: Node): Finding[] {
  if (node.type === 'CallExpression') {
    const name = dotted(node.callee) ?? '';
    const isFixed = name.endsWith('.toFixed') || calledMember(node) === 'toFixed';
    if (!floatCalls.has(name) && !isFixed) return [];
    return [finding('float', source, node, 'amounts are bigint: use @paycrawl/money')];
  }
  const isDivision =
    (node.type === 'BinaryExpression' && node.operator === '/') ||
    (node.type === 'AssignmentExpression' && node.operator === '/=');
  if (!isDivision) return [];
  const instead = 'divide in @paycrawl/money, where the name says how it rounds';
  return [finding('float', source, node, instead)];
}

function calledMember(call: Node): string | undefined {
  const { callee } = call;
  if (!isNode(callee) || callee.type !== 'MemberExpression' || callee.computed === true) {
    return undefined;
  }
  return (callee.property as Node).name as string;
}
