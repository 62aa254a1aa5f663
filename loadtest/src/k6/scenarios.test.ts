import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import {
  type PlatformProcess,
  startPlatformProcess,
} from '@paycrawl/standalone/testing/platform-process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditUntilFolded } from './audit-after-load.js';
import { challengesMissing, markChallenges } from './challenges-in-log.js';
import { findK6 } from './k6-program.js';
import { loadTargetOf } from './load-target.js';
import { runLoad } from './run-load.js';
import { scenarioNames, scenarioOf } from './scenarios.js';

const scripts = fileURLToPath(new URL('../../k6', import.meta.url));
const k6 = findK6() ?? '';
const why = k6 === '' ? ' (skipped: no k6 here; `node infra/tools/k6/k6.mjs` builds it)' : '';

test('behavior: every scenario has its script, and every script its scenario', () => {
  const found = readdirSync(scripts).filter((name) => name.endsWith('.js') && name !== 'lib.js');
  expect(found.sort()).toEqual(scenarioNames.map((name) => `${name}.js`).sort());
});

test('error: config_invalid', () => {
  const codeOf = (name: string, asked: { ratePerS?: number; durationS?: number }) => {
    try {
      return scenarioOf(name, asked);
    } catch (error) {
      return hasCode(error, 'config_invalid');
    }
  };
  expect(codeOf('nothing', {})).toBe(true);
  expect(codeOf('soak', { durationS: 100_000 })).toBe(true);
  expect(codeOf('paid-steady', { ratePerS: 1_000_000, durationS: 3 })).toBe(true);
});

describe.skipIf(k6 === '')(`k6${why}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'paycrawl-k6-'));
  let platform: PlatformProcess;

  beforeAll(async () => {
    writeFileSync(join(folder, 'proofs.txt'), 'e30=\ne30=\n');
    platform = await startPlatformProcess();
  }, 120_000);

  afterAll(async () => {
    await platform?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(scenarioNames)('behavior: %s is bounded in time and has limits', (name) => {
    const given = ['-e', `PROOFS=${join(folder, 'proofs.txt')}`, '-e', 'DURATION_S=16'];
    const args = ['inspect', '--execution-requirements', ...given, join(scripts, `${name}.js`)];
    const options = JSON.parse(execFileSync(k6, args, { encoding: 'utf8' }));
    expect(options.totalDuration).toMatch(/^(\d{1,2}s|1m)/);
    expect(Object.keys(options.thresholds).length).toBeGreaterThan(1);
  });

  test('behavior: repeats are served or refused, reports are written, the books are right', async () => {
    const runFile = join(platform.dataDir, 'run.json');
    const target = loadTargetOf({ runFile, seed: 'test', payers: 20 });
    const lines: string[] = [];
    const openLog = () => openLmdbLog({ directory: join(platform.dataDir, 'log') });
    const log = openLog();
    const before = await markChallenges(log);
    const { summary } = await runLoad({
      ...{ k6, scenario: 'replay-attack', target, ratePerS: 20, durationS: 5 },
      reports: folder,
      write: (line) => void lines.push(line),
    });
    const { fresh, repeat, elsewhere } = summary.kinds;
    expect(fresh?.right).toBeGreaterThan(5);
    expect(repeat?.right).toBe(repeat?.answers);
    expect(elsewhere?.right).toBe(elsewhere?.answers);
    const written = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'));
    expect(written).toEqual(summary);
    expect(statSync(join(folder, 'report.html')).size).toBeGreaterThan(10_000);
    const { findings, counts } = await auditUntilFolded({
      openLog,
      runFile,
      rpcUrl: undefined,
      reconciliation: { attempts: 120, pauseMs: 250 },
      write: (line) => void lines.push(line),
    });
    expect(findings).toEqual([]);
    expect(await challengesMissing(log, before, summary)).toBe(0);
    const [asIfMore, kinds] = [{ answers: 1000, right: 1000, p50Ms: 0, p99Ms: 0 }, summary.kinds];
    const invented = { ...summary, kinds: { ...kinds, challenge: asIfMore } };
    expect(await challengesMissing(log, before, invented)).toBeGreaterThan(900);
    await log.close();
    // Ninety of a hundred requests repeated something: no proof was charged twice.
    expect(counts.charged).toBeGreaterThanOrEqual(fresh?.right ?? 0);
    expect(counts.charged).toBeLessThanOrEqual(20 + (fresh?.answers ?? 0));
  }, 240_000);
});
