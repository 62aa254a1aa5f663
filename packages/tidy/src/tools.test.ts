import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './tree.js';

/** The formatter, the linter and the compiler are rules like the others: green means one thing. */

const timeoutMs = 120_000;

test('rule: formatted and linted (else: npm run format)', { timeout: timeoutMs }, () => {
  expect(outputOf('biome', ['ci', '--reporter=summary', '--colors=off'])).toBe('');
});

test('rule: sources and tests have types that fit', { timeout: timeoutMs }, () => {
  expect(outputOf('tsc', ['-p', 'tsconfig.test.json', '--pretty', 'false'])).toBe('');
});

test('rule: the console has types that fit', { timeout: timeoutMs }, () => {
  expect(outputOf('tsc', ['-p', 'services/console', '--noEmit', '--pretty', 'false'])).toBe('');
});

/** What the tool complains of; nothing when it is content. */
function outputOf(tool: string, args: readonly string[]): string {
  const program = join(root, 'node_modules', '.bin', tool);
  expect(existsSync(program)).toBe(true);
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}` || `${tool} ended with ${status}`;
}
