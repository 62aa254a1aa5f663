import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { generateDashboards } from './dashboards.js';
import { filesOfTree, isSource, readTree } from './tree.js';

const folder = 'infra/observability';
const root = fileURLToPath(new URL('../../..', import.meta.url));
const rules = readTree(`${folder}/alerts/paycrawl.rules.yml`);
const page = readTree('docs/operations.md');
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name ?? '');

/** Headings of the section `## Alerts`. */
function runbookEntries(): string[] {
  const section = page.split(/^## /m).find((part) => part.startsWith('Alerts\n')) ?? '';
  return [...section.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading ?? '');
}

describe('runbook', () => {
  test('rule: every alert has an entry in docs/operations.md, and every entry its alert', () => {
    expect(alerts.length).toBeGreaterThan(15);
    expect(new Set(alerts).size).toBe(alerts.length);
    expect(runbookEntries().sort()).toEqual([...alerts].sort());
  });

  test('rule: the runbook of an alert is its own entry', () => {
    const links = [...rules.matchAll(/runbook: (\S+)/g)].map(([, link]) => link);
    expect(links).toEqual(alerts.map((name) => `docs/operations.md#${name.toLowerCase()}`));
  });

  test('rule: every entry says what it means, where to look, what to do and when to wake someone', () => {
    const section = page.split(/^## /m).find((part) => part.startsWith('Alerts\n')) ?? '';
    const entries = section.split(/^### /m).slice(1);
    const wanted = ['- **Means:**', '- **Look:**', '- **Do:**', '- **Wake:**'];
    const lacking = entries.filter((entry) => !wanted.every((line) => entry.includes(line)));
    expect(lacking.map((entry) => entry.split('\n')[0])).toEqual([]);
  });

  test('rule: commands that the page names exist', () => {
    const { scripts } = JSON.parse(readTree('package.json')) as { scripts: object };
    const named = [...page.matchAll(/npm run ([a-z:-]+)/g)].map(([, name]) => name ?? '');
    expect([...new Set(named)].filter((name) => !(name in scripts))).toEqual([]);
  });
});

test('rule: every metric of an alert or a dashboard is made by the code', () => {
  const code = filesOfTree()
    .filter((path) => isSource(path) && !path.startsWith('packages/tidy/'))
    .map(readTree)
    .join('\n');
  const texts = [rules, ...generateDashboards().map(({ text }) => text)];
  const named = texts.flatMap((text) => text.match(/\bpaycrawl_[a-z0-9_]+\b/g) ?? []);
  const unknown = [...new Set(named)].filter(
    (name) =>
      !code.includes(`'${name}'`) &&
      !code.includes(`'${name.replace(/_(bucket|count|sum)$/, '')}'`),
  );
  expect(unknown).toEqual([]);
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const why = hasPromtool ? '' : ' (skipped: no promtool here; Debian has it in package prometheus)';

function promtool(...args: readonly string[]): {
  readonly status: number | null;
  readonly said: string;
} {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: root, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

describe.skipIf(!hasPromtool)(`promtool${why}`, () => {
  test.each([
    ['check', 'rules', `${folder}/alerts/paycrawl.rules.yml`],
    ['test', 'rules', `${folder}/alerts/paycrawl.test.yml`],
    ['check', 'config', '--syntax-only', `${folder}/prometheus.yml`],
  ])('rule: promtool %s %s %s', (...args) => {
    const { status, said } = promtool(...args);
    expect(status, said).toBe(0);
  });

  test('rule: every alert has a test in which it fires, and one in which it does not', () => {
    const tests = readTree(`${folder}/alerts/paycrawl.test.yml`);
    const isTested = (name: string) =>
      tests.includes(`  - name: ${name}\n`) &&
      new RegExp(`alertname: ${name}, exp_alerts: \\[\\]`).test(tests);
    expect(alerts.filter((name) => !isTested(name))).toEqual([]);
  });

  test('rule: every query of a dashboard can be read', () => {
    const queries = generateDashboards().flatMap(({ text }) =>
      [...text.matchAll(/"expr": (".*")/g)].map(([, expr]) => JSON.parse(expr ?? '') as string),
    );
    expect(queries.length).toBeGreaterThan(30);
    const lines = queries.map((query, i) => {
      const expr = query.replaceAll('$__rate_interval', '5m');
      return `      - { record: 'panel:${i}', expr: ${JSON.stringify(expr)} }`;
    });
    const directory = mkdtempSync(join(tmpdir(), 'paycrawl-panels-'));
    const path = join(directory, 'panels.yml');
    writeFileSync(path, `groups:\n  - name: panels\n    rules:\n${lines.join('\n')}\n`);
    const { status, said } = promtool('check', 'rules', path);
    rmSync(directory, { recursive: true });
    expect(status, said).toBe(0);
  });
});
