import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { processEnvironment } from '@paycrawl/service-kit/config';
import { askOffer, type OfferedPage } from '../payload/offered-page.js';
import { writeProofFile } from '../payload/proof-file.js';
import type { ProofTerms } from '../payload/sign-proofs.js';
import { fundPayers, type LoadTarget } from './load-target.js';
import { scenarioOf } from './scenarios.js';

export interface LoadOptions {
  readonly k6: string;
  readonly scenario: string;
  readonly target: LoadTarget;
  readonly ratePerS?: number | undefined;
  readonly durationS?: number | undefined;
  /** Where report.html and summary.json go; made if it is not there. */
  readonly reports: string;
  write(line: string): void;
}

/** The JSON summary of a run. */
export interface LoadSummary {
  readonly scenario: string;
  readonly seconds: number;
  readonly requests: number;
  readonly dropped: number;
  readonly kinds: Readonly<Record<string, KindFigures>>;
  /** Thresholds that were not met. */
  readonly missed: readonly string[];
}

interface KindFigures {
  readonly answers: number;
  readonly right: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export type LoadOutcome =
  | { readonly outcome: 'within-limits'; readonly summary: LoadSummary }
  | { readonly outcome: 'limits-missed'; readonly summary: LoadSummary };

const userAgent = 'GPTBot/1.3';
const scripts = fileURLToPath(new URL('../../k6', import.meta.url));
/** Quotes of version 2 last five minutes, with signing and introductions before the load. */
const quotedRunSMax = 150;
/** They look into a proof of version 2, or count on its being for one URL. */
const needVersion2 = new Set(['rubbish', 'replay-attack', 'verification-ramp']);
/** After the end of the load a proof must still be good for all margins and late answers. */
const spareS = 900;
/** k6's own code for thresholds that were not met. */
const thresholdsMissed = 99;

/** Funds the payers, signs their proofs, runs k6. The audit is up to the caller. */
export async function runLoad(options: LoadOptions): Promise<LoadOutcome> {
  const { scenario, target, write } = options;
  const size = scenarioOf(scenario, options);
  const folder = await mkdtemp(join(tmpdir(), 'paycrawl-load-'));
  try {
    const environment: Record<string, string> = {
      URL: target.url,
      RATE: String(size.ratePerS),
      DURATION_S: String(size.durationS),
    };
    if (target.facilitator !== undefined) environment.FACILITATOR = target.facilitator;
    if (size.proofs > 0) {
      const count = 'seed' in target.payers ? target.payers.count : target.payers.length;
      write(`funding ${count} payers …`);
      await fundPayers(target);
      const page = await askOffer(target.url, userAgent);
      const terms = termsFor(scenario, size.durationS, page);
      const path = join(folder, 'proofs.txt');
      write(`signing ${size.proofs + count} proofs …`);
      const { offered } = page;
      const proofs = { path, offered, terms, payers: target.payers, count: size.proofs + count };
      await writeProofFile(proofs);
      environment.PROOFS = path;
      environment.PAYERS = String(count);
      environment.PROOF_HEADER = terms.v1Network === undefined ? 'PAYMENT-SIGNATURE' : 'X-PAYMENT';
    }
    return await runK6(options, size.durationS, environment);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Version 2 where the run is over before its quote is; version 1, whose proofs echo no quote and
 * last as long as they were signed for, where it is not.
 */
function termsFor(scenario: string, durationS: number, page: OfferedPage): ProofTerms {
  const nowS = Math.floor(Date.now() / 1000);
  const windowS = page.offered.accepts[0]?.maxTimeoutSeconds ?? 0;
  if (durationS <= quotedRunSMax) return { validBeforeS: nowS + windowS };
  const { v1Network } = page;
  if (v1Network === undefined || needVersion2.has(scenario)) {
    throw fail('config_invalid', `${scenario}: at most ${quotedRunSMax} s, as long as a quote`);
  }
  return { validBeforeS: nowS + durationS + spareS, v1Network };
}

async function runK6(
  { k6, scenario, reports, write }: LoadOptions,
  durationS: number,
  environment: Readonly<Record<string, string>>,
): Promise<LoadOutcome> {
  await mkdir(reports, { recursive: true });
  const files = {
    summary: resolve(reports, 'summary.json'),
    html: resolve(reports, 'report.html'),
  };
  await Promise.all(Object.values(files).map((path) => rm(path, { force: true })));
  const dashboard = {
    K6_WEB_DASHBOARD: 'true',
    // No server: the report alone.
    K6_WEB_DASHBOARD_PORT: '-1',
    K6_WEB_DASHBOARD_EXPORT: files.html,
    // A report has charts from three periods on.
    K6_WEB_DASHBOARD_PERIOD: durationS < 60 ? '1s' : '5s',
    K6_NO_USAGE_REPORT: 'true',
  };
  const pairs = { ...environment, SUMMARY: files.summary };
  const given = Object.entries(pairs).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const script = join(scripts, `${scenario}.js`);
  const code = await ended(k6, ['run', '--quiet', ...given, script], dashboard);
  if (code !== 0 && code !== thresholdsMissed) throw fail('bench_failed', `k6 ended with ${code}`);
  const summary = JSON.parse(await readFile(files.summary, 'utf8')) as LoadSummary;
  if (Object.values(summary.kinds).every(({ answers }) => answers === 0)) {
    throw fail('bench_failed', 'nothing was answered at all');
  }
  write(`summary: ${files.summary}`);
  write(`report: ${existsSync(files.html) ? files.html : 'none, the run was too short for one'}`);
  return { outcome: summary.missed.length === 0 ? 'within-limits' : 'limits-missed', summary };
}

function ended(
  program: string,
  args: readonly string[],
  more: Readonly<Record<string, string>>,
): Promise<number> {
  const env = { ...processEnvironment(), ...more };
  const child = spawn(program, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((settle, reject) => {
    child.once('error', (cause) => reject(fail('bench_failed', 'k6 did not start', { cause })));
    child.once('exit', (code) => settle(code ?? -1));
  });
}
