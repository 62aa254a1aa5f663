import { join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import type { RunFile } from '@paycrawl/standalone/run-file';
import {
  type PlatformProcess,
  startPlatformProcess,
} from '@paycrawl/standalone/testing/platform-process';
import { note } from '../command-line.js';
import type { LoadFigures } from '../driver/closed-loop.js';
import { challengesIssued, markChallenges } from '../k6/challenges-in-log.js';
import { proveBooks, type Verdict } from './bench-audit.js';
import { addBenchPublisher } from './bench-publisher.js';
import type { Target } from './crawls.js';
import { whenFolded, whenSettled } from './when-folded.js';

/** Of the bench's publisher; every path of it costs the same. */
export const pricedPath = '/page';

/** A platform with a priced page, and nobody else's traffic. */
export interface PricedPage {
  readonly run: RunFile;
  readonly target: Target;
  /** The site behind the page, past the ingress. */
  readonly origin: string;
  /** The platform's own log, opened beside it. */
  openLog(): EventLog;
}

/** The embedded one, as long as it is loaded: its audit is made by another process on its data. */
export interface BenchPlatform extends PricedPage {
  readonly pid: number;
  /**
   * Runs a load whose expected answers are offers. Each offer is durable before it is sent, so the
   * audit then wants as many of them in the log as were answered, no more and no less.
   */
  offered<Figures extends LoadFigures>(load: () => Promise<Figures>): Promise<Figures>;
}

export interface Audited<Result> extends Verdict {
  readonly result: Result;
}

/**
 * What is sold in minutes is settled in more of them, at the pace of a platform whose cores are its
 * crawlers'. So proofs last for as long as that takes, and no load waits for the money of another.
 */
const whileLoaded = {
  OFFERED_WINDOW_S: '3600',
  OFFERED_WINDOW_S_MAX: '14400',
  ADMISSION_MARGIN_S_MAX: '7200',
};
/** Afterwards nobody crawls, and all cores may settle. */
export const settlesFast = { SETTLEMENT_BATCHES_IN_FLIGHT_MAX: '32' };

export interface BenchPlatformOptions {
  /** Money moves as fast as it can from the beginning: for loads that go on for long. */
  readonly settlesAtOnce?: boolean;
  /** From 3 on the devnet forgets old states: at 1 it takes more than 20 GB in half an hour. */
  readonly blockTimeS?: number;
}

/** Work on a platform of its own, the audit of it, and the end of both. */
export async function withBenchPlatform<Result>(
  work: (platform: BenchPlatform) => Promise<Result>,
  { settlesAtOnce = false, blockTimeS = 1 }: BenchPlatformOptions = {},
): Promise<Audited<Result>> {
  const environment = {
    ...(settlesAtOnce ? settlesFast : whileLoaded),
    DEVNET_BLOCK_TIME_S: String(blockTimeS),
  };
  let platform = await startPlatformProcess({ environment });
  try {
    const { run, pid, dataDir } = platform;
    const openLog = () => openLmdbLog({ directory: join(dataDir, 'log') });
    const log = openLog();
    const publisher = await addBenchPublisher(run, log);
    await log.close();
    const target = { ingress: run.ingress, host: publisher.host, path: pricedPath };
    const offers: Offers = { answered: 0, durable: 0 };
    const bench: BenchPlatform = {
      ...{ run, pid, target, origin: publisher.origin, openLog },
      offered: (load) => countOffers(platform, offers, load),
    };
    const result = await work(bench).finally(() => publisher.close());
    await whenFolded(run.api);
    if (!settlesAtOnce) {
      await platform.stop();
      const faster = { ...whileLoaded, ...settlesFast };
      platform = await startPlatformProcess({ dataDir, environment: faster });
    }
    const verdict = await audit(platform, offers);
    await platform.stop();
    return { result, ...verdict };
  } finally {
    await platform.remove();
  }
}

/** For those who have no table to print a verdict in. */
export function requireClean<Result>({ result, verdict, isClean }: Audited<Result>): Result {
  if (!isClean) throw fail('bench_failed', `the audit: ${verdict}`);
  return result;
}

interface Offers {
  answered: number;
  durable: number;
}

async function countOffers<Figures extends LoadFigures>(
  { dataDir }: PlatformProcess,
  offers: Offers,
  load: () => Promise<Figures>,
): Promise<Figures> {
  const log = openLmdbLog({ directory: join(dataDir, 'log') });
  try {
    const before = await markChallenges(log);
    const figures = await load();
    offers.answered += figures.requests - figures.failures;
    offers.durable += await challengesIssued(log, before);
    return figures;
  } finally {
    await log.close();
  }
}

async function audit(
  { run, dataDir }: PlatformProcess,
  { answered, durable }: Offers,
): Promise<Verdict> {
  note('settlement of what was sold');
  await whenSettled(run.api);
  note('audit');
  const openLog = () => openLmdbLog({ directory: join(dataDir, 'log') });
  const { verdict, isClean } = await proveBooks(openLog, join(dataDir, 'run.json'));
  if (answered === 0) return { verdict, isClean };
  const [asked, kept] = [answered, durable].map((count) => count.toLocaleString('en'));
  const counted = `${asked} challenges answered, ${kept} in the log`;
  return { verdict: `${verdict}; ${counted}`, isClean: isClean && answered === durable };
}
