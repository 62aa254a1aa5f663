import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { childEnvironment } from '../config.js';
import { repositoryRoot } from '../processes/platform-processes.js';
import { auditLines, cleanVerdict } from '../testing/audit-cli.js';
import type { Choice, FaultCase, FaultFigures, FaultRow } from './fault.js';
import { type Load, type LoadFigures, startLoad, sumOfFigures } from './load.js';
import { type MatrixLine, renderDocument, renderMatrix } from './matrix.js';
import { type FaultPlatform, type PlatformOptions, startFaultPlatform } from './platform.js';
import { rows } from './rows.js';
import { randomOf } from './seeded.js';

// Real processes over a real broker, broken in every way of the matrix while crawlers pay.

const { FAULT_SEED, FAULT_ALL, FAULT_PATIENCE, FAULT_ONLY } = childEnvironment();
const seed = Number.parseInt(FAULT_SEED ?? '', 10) || randomInt(1, 1_000_000);
const patience = Number.parseInt(FAULT_PATIENCE ?? '', 10) || 1;
const choice: Choice = { isAll: FAULT_ALL === 'true', random: randomOf(seed) };
const limitMs = (ms: number): number => ms * patience;
const auditTimeMs = 120_000;
const startTimeMs = 120_000;
const eventually = { timeout: limitMs(60_000), interval: 200 };

const lines: MatrixLine[] = [];
const platforms = new Map<PlatformOptions, FaultPlatform>();
process.stdout.write(
  `faults: seed ${seed} (FAULT_SEED repeats it), limits of time × ${patience}, ` +
    `${choice.isAll ? 'everything' : 'steps and services drawn by the seed'}\n`,
);

afterAll(async () => {
  await Promise.all([...platforms.values()].map((platform) => platform.remove()));
  process.stdout.write(`${renderMatrix(lines)}\nfaults: seed ${seed}\n`);
  if (choice.isAll) writeDocument();
}, 120_000);

/** Of all cases that name no platform of their own. */
const shared: PlatformOptions = { nodes: choice.isAll ? 3 : 1 };

async function platformOf(options: PlatformOptions = shared): Promise<FaultPlatform> {
  const running = platforms.get(options) ?? (await startFaultPlatform(options));
  platforms.set(options, running);
  return running;
}

/** The second and each later one is of two crawlers only. */
function startLoadAt({ people, devnet }: FaultPlatform, till: string, loads: Load[]): Load {
  const wallets = loads.length === 0 ? people.crawlers : people.crawlers.slice(0, 2);
  const load = startLoad({ till, wallets, rpcUrl: devnet.rpcUrl });
  loads.push(load);
  return load;
}

async function stopAll(loads: readonly Load[]): Promise<LoadFigures> {
  return sumOfFigures(await Promise.all(loads.map((load) => load.stop())));
}

async function runCase(row: FaultRow, one: FaultCase): Promise<void> {
  const startedMs = performance.now();
  const platform = await platformOf(one.platform);
  const chargedBefore = platform.watch.charged.size;
  const loads: Load[] = [];
  const load = startLoadAt(platform, platform.till, loads);
  const loadAt = (till: string): Load => startLoadAt(platform, till, loads);
  const figures = await load
    .morePages(3, limitMs(60_000))
    .then(() => one.run({ ...choice, platform, load, loadAt, limitMs }))
    .catch(brokenOff);
  const all = await stopAll(loads);
  // Also where a limit of time was missed: the books matter more.
  const verdict =
    figures.verdict ?? (await verdictOf(platform, loads, one.audit).catch(() => 'failed'));
  lines.push({
    ...{ row: row.name, case: one.name, figures, verdict },
    load: all,
    charges: platform.watch.charged.size - chargedBefore,
    seconds: (performance.now() - startedMs) / 1000,
  });
  process.stdout.write(`${renderMatrix(lines.slice(-1))}\n${refusalsOf(all)}`);
  if (one.platform !== undefined) await removeOwn(one.platform);
  if ('error' in figures) throw figures.error;
  expect(verdict).toBe(cleanVerdict);
  const { withoutRetryAfter, statuses } = all;
  expect(withoutRetryAfter).toBe(0);
  const right = ['200', '402', '503', ...(one.statuses ?? [])];
  expect(Object.keys(statuses).filter((status) => !right.includes(status))).toEqual([]);
}

interface BrokenOff extends FaultFigures {
  readonly error: unknown;
}

/** The case did not hold what it promises: its line of the matrix says so. */
function brokenOff(error: unknown): BrokenOff {
  const said = error instanceof Error ? error.message : String(error);
  return { note: `FAILED: ${said.split('\n', 1)[0]}`, error };
}

/** What kinds of 503 there were: a hint for whoever looks for the reason of one. */
function refusalsOf({ refusals, broken }: LoadFigures): string {
  const kinds = [...Object.entries(refusals), ...Object.entries(broken)];
  return kinds.length === 0 ? '' : `${kinds.map(([kind, n]) => `${kind} ${n}`).join(', ')}\n`;
}

async function removeOwn(options: PlatformOptions): Promise<void> {
  const platform = platforms.get(options);
  platforms.delete(options);
  await platform?.remove();
}

/** Nothing that a crawler has a receipt for is missing, and the books are as the log says. */
async function verdictOf(
  platform: FaultPlatform,
  loads: readonly Load[],
  audit: FaultCase['audit'],
): Promise<string> {
  const { charged } = platform.watch;
  const receipts = loads.flatMap((load) => [...load.receipts]);
  const missing = () => receipts.filter((id) => !charged.has(id));
  await expect.poll(missing, eventually).toEqual([]);
  await platform.run();
  const said = await auditLines(platform.directory, { ...platform.environment, ...audit });
  const verdict = said.at(-1) ?? 'no verdict';
  if (verdict !== cleanVerdict) process.stdout.write(`${said.join('\n')}\n`);
  return verdict;
}

function writeDocument(): void {
  const git = (...words: string[]) =>
    execFileSync('git', words, { cwd: repositoryRoot, encoding: 'utf8' }).trim();
  const [cpu] = cpus();
  const file = join(repositoryRoot, 'docs', 'fault-matrix.md');
  const known = FAULT_ONLY === undefined || !existsSync(file) ? '' : readFileSync(file, 'utf8');
  const measured = {
    ...{ seed, patience, node: process.version, commit: git('rev-parse', '--short', 'HEAD') },
    machine: `${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'})`,
  };
  writeFileSync(file, renderDocument(lines, measured, known));
}

const words = FAULT_ONLY?.split(',') ?? [''];
for (const row of rows) {
  // Drawn before any is left out: the same seed draws the same.
  const cases = row
    .cases(choice)
    .filter(({ name }) => words.some((word) => `${row.name}: ${name}`.includes(word)));
  if (cases.length === 0) continue;
  describe(`${row.name}: ${row.mustHold}`, () => {
    for (const one of cases) {
      const timeoutMs = startTimeMs + limitMs(one.timeoutMs) + auditTimeMs;
      test(`behavior: ${row.name}: ${one.name}`, () => runCase(row, one), timeoutMs);
    }
  });
}

describe('after all of them', () => {
  test('behavior: every charge on the shared platform is settled, and on the chain', async () => {
    const platform = await platformOf(undefined);
    const { charged, ended } = platform.watch;
    const open = () => [...charged].filter((id) => !ended.has(id));
    await expect.poll(open, { timeout: limitMs(90_000), interval: 500 }).toEqual([]);
  }, 300_000);
});
