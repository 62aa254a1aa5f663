import { expect, test } from 'vitest';
import { withoutAllowed } from './allowances.js';
import { checkDeclared, checkUsed, referencesOff } from './declared.js';
import { checkCycles, checkLayers, decidingFiles } from './layers.js';
import { checkLinks, checkNames } from './pages.js';
import { againstRatchet, growth, oversized } from './size.js';
import { parseSource } from './source.js';
import { checkSyntax, checkTestSyntax } from './syntax.js';
import { checkName, checkText, missingHeadings } from './text.js';

/** Each rule is shown a sample that breaks it and one that does not: a rule that cannot fail is none. */

const layers = (path: string, text: string) =>
  checkLayers(parseSource(path, text)).map(({ message }) => message);
const syntax = (path: string, text: string) => {
  const source = parseSource(path, text);
  return checkSyntax(source, decidingFiles([source]).has(path)).map(({ rule }) => rule);
};

test.each([
  ['packages/money/src/a.ts', "import { x } from '@paycrawl/events/x';", 'downward'],
  ['packages/protocol/src/a.ts', "import { x } from '@paycrawl/events/x';", 'outlives'],
  ['packages/events/src/a.ts', "import { x } from '@paycrawl/protocol/x';", 'downward'],
  ['packages/event-log/src/a.ts', "import type { X } from '@paycrawl/fold/x';", 'downward'],
  ['services/ingress/src/a.ts', "import { x } from '@paycrawl/verifier/x';", 'never imports'],
  ['services/ingress/src/a.test.ts', "import { x } from '@paycrawl/verifier/x';", 'never imports'],
  ['services/ingress/src/a.ts', "import { x } from '@paycrawl/testkit/x';", 'for tests'],
  ['services/ingress/src/a.ts', "await import('../../verifier/src/x.js');", ''],
  ['services/ingress/src/a.ts', "import { x } from '../../verifier/src/x.js';", 'by its name'],
  ['services/ingress/src/a.ts', "import { open } from 'lmdb';", 'event log port'],
  ['packages/chain/src/a.ts', "import { Kafka } from 'kafkajs';", 'event log port'],
  ['packages/fold/src/a.ts', "import { Session } from 'chdb';", 'warehouse port'],
  [
    'services/analytics/src/a.ts',
    "import { createClient } from '@clickhouse/client';",
    'warehouse',
  ],
  ['services/verifier/src/a.ts', "import { createPublicClient } from 'viem';", 'viem clients'],
  ['services/verifier/src/a.ts', "import { privateKeyToAccount } from 'viem/accounts';", 'signer'],
  ['services/metering/src/a.ts', "import { signTransaction } from '@paycrawl/chain/t';", 'signer'],
  ['packages/ledger/src/a.ts', "import { readFile } from 'node:fs';", 'pure'],
  ['packages/fold/src/a.ts', "export { x } from '@paycrawl/unheard-of/x';", 'no place'],
])('behavior: layers refuse %s: %s', (path, text, message) => {
  expect(layers(path, text).join()).toContain(message);
  if (message !== '') expect(layers(path, text)).not.toEqual([]);
});

test.each([
  ['packages/fold/src/a.ts', "import { open } from 'lmdb';"],
  ['packages/event-log/src/a.test.ts', "import { x } from '@paycrawl/testkit/x';"],
  ['packages/protocol/src/a.ts', "import { x } from '@paycrawl/crypto/x';"],
  ['packages/crypto/src/a.ts', "import { createHash } from 'node:crypto';"],
  ['services/standalone/src/a.ts', "import { x } from '@paycrawl/ingress/x';"],
  ['services/settlement/src/a.ts', "import { privateKeyToAccount } from 'viem/accounts';"],
  ['services/verifier/src/a.ts', "import type { PublicClient } from 'viem';"],
])('behavior: layers allow %s: %s', (path, text) => {
  expect(layers(path, text)).toEqual([]);
});

test.each([
  ['packages/fold/src/a.ts', 'const port = process.env.PORT;', 'environment'],
  ['packages/fold/src/a.ts', "const { env } = process; console.log('x');", 'console'],
  ['packages/fold/src/a.ts', "throw new Error('x');", 'bare-error'],
  ['packages/fold/src/a.ts', "reject(new TypeError('x'));", 'bare-error'],
  ['packages/fold/src/a.ts', "export * from './b.js';", 'export-all'],
  ['packages/fold/src/a.ts', 'export default function run() {}', 'export-default'],
  ['packages/fold/src/a.ts', "export { x } from './b.js';", 'barrel'],
  ['packages/fold/src/a.ts', "import { x } from './b.js';\nexport { x };", 'barrel'],
  ['services/verifier/src/payments/decide.ts', 'const now = Date.now();', 'impure'],
  ['services/verifier/src/payments/state.ts', 'const now = new Date();', 'impure'],
  ['packages/events/src/a.ts', 'const id = randomUUID();', 'impure'],
  ['packages/pricing/src/a.ts', 'const luck = Math.random();', 'impure'],
  ['packages/pricing/src/a.ts', 'setTimeout(() => 1, 10);', 'impure'],
  ['packages/money/src/a.ts', "const a = parseFloat('1');", 'float'],
  ['packages/money/src/a.ts', 'const a = Number(amount);', 'float'],
  ['packages/ledger/src/a.ts', 'const a = total / 2n;', 'float'],
  ['packages/ledger/src/a.ts', 'function feeRoundingDown(a: bigint) { return a / 2n; }', 'float'],
  ['packages/protocol/src/a.ts', 'const s = Math.floor(clock.amount / 1000);', 'float'],
  ['services/settlement/src/a.ts', 'total /= count;', 'float'],
  ['services/metering/src/a.ts', 'const text = (amount as number).toFixed(2);', 'float'],
])('behavior: syntax refuses %s: %s', (path, text, rule) => {
  expect(syntax(path, text)).toContain(rule);
});

test.each([
  ['packages/fold/src/config.ts', 'const port = process.env.PORT;'],
  ['packages/event-log/src/inspect-cli.ts', "console.log('x');"],
  ['packages/fold/src/a.ts', "throw fail('internal', 'x');"],
  ['packages/fold/src/a.ts', "export { x } from './b.js';\nexport const y = 1;"],
  ['packages/fold/src/a.ts', 'const now = Date.now(); const half = now / 2;'],
  [
    'services/verifier/src/payments/decide.ts',
    'const at = new Date(now); const { randomUUID } = x;',
  ],
  ['services/settlement/src/a.ts', 'const n = Math.floor((perRound * 60_000) / roundMs);'],
  ['services/settlement/src/a.ts', 'const s = Math.ceil(marginMs(state, lane) / 1000);'],
  ['packages/protocol/src/a.ts', 'const s = BigInt(Math.floor(clock.nowMs / 1000));'],
  ['packages/money/src/a.ts', 'function feeRoundingDown(a: bigint) { return a / 100n; }'],
  ['packages/money/src/a.ts', "const path = 'a/b'; const re = /x/; const n = BigInt('1');"],
])('behavior: syntax allows %s: %s', (path, text) => {
  expect(syntax(path, text)).toEqual([]);
});

test('behavior: tests that do not run are found', () => {
  const text = "test.skip('x', () => {}); describe.only('y', () => {}); test.skipIf(true)('z');";
  const found = checkTestSyntax(parseSource('packages/fold/src/a.test.ts', text));
  expect(found.map(({ subject }) => subject.slice(0, 13))).toEqual([
    "test.skip('x'",
    'describe.only',
  ]);
});

test('behavior: a circle of files is found, one of types is not', () => {
  const of = (name: string, text: string) => parseSource(`packages/fold/src/${name}.ts`, text);
  const a = of('a', "import { b } from './b.js';");
  const circle = checkCycles([a, of('b', "import { a } from './a.js';")]);
  expect(circle.map(({ message }) => message)).toEqual([
    'packages/fold/src/a.ts → packages/fold/src/b.ts → packages/fold/src/a.ts',
  ]);
  expect(checkCycles([a, of('b', "import type { A } from './a.js';")])).toEqual([]);
});

test('behavior: what a deciding file is built on decides too', () => {
  const of = (path: string, text: string) => parseSource(`services/verifier/src/${path}.ts`, text);
  const found = decidingFiles([
    of(
      'admission/decide',
      "import { rule } from './rule.js'; import type { X } from './driver.js';",
    ),
    of('admission/rule', "import { wide } from '../wide.js';"),
    of('admission/driver', "import { decide } from './decide.js';"),
    of('wide', ''),
  ]);
  const names = [...found].map((path) => path.replace('services/verifier/src/', ''));
  expect(names).toEqual(['admission/decide.ts', 'admission/rule.ts', 'wide.ts']);
});

test('behavior: what is imported must be declared, in tests for development too', () => {
  const own = { name: '@paycrawl/fold', dependencies: { lmdb: '1' }, devDependencies: { x: '1' } };
  const manifest = { name: 'paycrawl', devDependencies: { vitest: '1' } };
  const text = "import 'lmdb/sub'; import 'x'; import 'node:fs'; import './y.js'; import 'vitest';";
  const missing = (path: string) =>
    checkDeclared(parseSource(path, text), own, manifest).map(({ subject }) => subject);
  expect(missing('packages/fold/src/a.ts')).toEqual(['x', 'vitest']);
  expect(missing('packages/fold/src/a.test.ts')).toEqual([]);
});

test('behavior: what is declared and named nowhere is found', () => {
  const dependencies = { viem: '1', 'viem-x': '1', '@paycrawl/events': '*', lmdb: '1' };
  const own = { name: '@paycrawl/fold', dependencies, devDependencies: { '@types/a__b': '1' } };
  const unused = (text: string) =>
    checkUsed('packages/fold/package.json', own, [text]).map(({ subject }) => subject);
  expect(unused('')).toEqual(['viem', 'viem-x', '@paycrawl/events', 'lmdb', '@types/a__b']);
  const text = `import 'viem/accounts'; import type { A } from "@a/b"; require.resolve('lmdb');`;
  expect(unused(text)).toEqual(['viem-x', '@paycrawl/events', '@types/a__b']);
  expect(unused("import x from 'a/b'; // @paycrawl/events")).not.toContain('@types/a__b');
});

test('behavior: references and dependencies are the same', () => {
  const own = { name: 'x', dependencies: { '@paycrawl/money': '*', viem: '1' } };
  expect(referencesOff(own, ['money'])).toEqual([]);
  expect(referencesOff(own, ['events'])).toEqual(['refer to money', 'declare events']);
});

const long = (name: string, lines: number) =>
  parseSource('packages/fold/src/a.ts', `export function ${name}() {${'\n'.repeat(lines - 1)}}`);

test('behavior: a function of 70 lines passes, one of 71 does not', () => {
  expect(oversized(long('run', 70))).toEqual([]);
  const found = oversized(long('run', 71));
  const key = 'packages/fold/src/a.ts#run';
  expect(found).toEqual([{ rule: 'function-lines', key, lines: 71 }]);
  const messages = (known: Record<string, number>) =>
    againstRatchet(found, { 'function-lines': known, 'file-lines': {} }).map((one) => one.message);
  expect(messages({})).toEqual(['71 lines: split it']);
  expect(messages({ [key]: 71 })).toEqual([]);
  expect(messages({ [key]: 70 })).toEqual(['grew from 70 to 71 lines']);
  expect(messages({ [key]: 80 })).toEqual(['lower its entry to 71']);
  expect(messages({ [key]: 71, gone: 90 })).toEqual(['short by now: take it out']);
});

test('behavior: arrow functions and methods are measured and named', () => {
  const body = '\n'.repeat(80);
  const text = `const build = () => {${body}}; const api = { close() {${body}} };`;
  const keys = oversized(parseSource('packages/fold/src/a.ts', text)).map(({ key }) => key);
  expect(keys).toEqual(['packages/fold/src/a.ts#build', 'packages/fold/src/a.ts#close']);
});

test('behavior: a file of 401 lines is too long, a test may have 600', () => {
  const text = `${'void 0;\n'.repeat(400)}export const run = () => 1;`;
  expect(oversized(parseSource('packages/fold/src/a.ts', text))).toHaveLength(1);
  expect(oversized(parseSource('packages/fold/src/a.test.ts', text))).toEqual([]);
  const table = `export const codes = {${'\n'.repeat(500)}};`;
  expect(oversized(parseSource('packages/fold/src/a.ts', table))).toEqual([]);
});

test('behavior: growth of the ratchet is seen', () => {
  const before = { 'function-lines': { a: 80 }, 'file-lines': {} };
  expect(growth(before, { 'function-lines': { a: 79 }, 'file-lines': {} })).toEqual([]);
  const after = { 'function-lines': { a: 81, b: 71 }, 'file-lines': {} };
  expect(growth(before, after)).toEqual(['function-lines a', 'function-lines b']);
});

test('behavior: leftovers, paths of one machine and registry hosts are found in any text', () => {
  const rules = (text: string) => checkText('docs/a.md', text).map(({ rule }) => rule);
  expect(rules(`// ${'FIX'}ME later`)).toEqual(['leftover']);
  expect(rules(`open('${'/home'}/me/data')`)).toEqual(['absolute-path']);
  expect(rules(`cd ${'/tmp'}/x`)).toEqual(['absolute-path']);
  expect(rules(`https://registry.${'npmjs'}.org/x`)).toEqual(['registry-host']);
  expect(rules("see docs/home/x, '/v1/work', /livez")).toEqual([]);
});

test('behavior: file names', () => {
  expect(checkName('packages/fold/src/utils.ts')).toHaveLength(1);
  expect(checkName('packages/fold/src/shared/x.ts')).toHaveLength(1);
  expect(checkName('packages/fold/src/FoldRuntime.ts')).toHaveLength(1);
  expect(checkName('packages/fold/src/fold-runtime.fuzz.test.ts')).toEqual([]);
});

test('behavior: a README without its headings is told which', () => {
  const text = '# ingress\n## Owns\n## Consumes\n## Emits\n## Invariants\n## Knobs\n';
  expect(missingHeadings(text)).toEqual(['Failure modes']);
});

test('behavior: dead links, unknown metrics and unknown error codes are found in pages', () => {
  const text = [
    '[a](../README.md#x) [b](adr) [c](https://x.org) [d](#here) [e](gone.md)',
    '`paycrawl_crawls_total{outcome}` `paycrawl_gone` [f](errors.md#log_closed) [g](errors.md#nope)',
  ].join('\n');
  const page = { path: 'docs/a.md', text };
  const files = ['README.md', 'docs/a.md', 'docs/adr/0001.md', 'docs/errors.md'];
  expect(checkLinks(page, files).map(({ subject }) => subject)).toEqual(['gone.md']);
  const names = checkNames(page, "name: 'paycrawl_crawls_total'", new Set(['log_closed']));
  expect(names.map(({ subject }) => subject)).toEqual(['paycrawl_gone', 'nope']);
});

test('behavior: an allowance covers its own place only, and is reported when unused', () => {
  const one = { rule: 'float', path: 'a.ts', line: 3, subject: 'Number(blockNumber)', message: '' };
  const other = { ...one, subject: 'Number(amount)' };
  const allowance = { rule: 'float', path: 'a.ts', subject: 'Number(blockNumber)', reason: 'r' };
  const stale = { ...allowance, path: 'b.ts' };
  expect(withoutAllowed([one, other], [allowance, stale])).toEqual({
    findings: [other],
    unused: [stale],
  });
});
