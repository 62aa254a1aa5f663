import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import type { LoadFigures } from '../driver/closed-loop.js';
import { targetOf } from '../driver/http-connection.js';
import { type OpenLoopFigures, runOpenLoop } from '../driver/open-loop.js';
import type { PricedPage } from './bench-platform.js';
import { benchPaidCrawls, isPaid, requestBytes, signedRequests } from './crawls.js';
import { type DurableAppendResult, offerAppends } from './durable-append.js';
import { median } from './steps/cpu-per-call.js';
import { whenFolded } from './when-folded.js';

export interface AddedLatencyOptions {
  readonly connections: number;
  /** For the peak, of which half is offered. */
  readonly crawls: number;
  readonly warmUpCrawls: number;
  /** Of each load in each round. */
  readonly seconds: number;
  readonly rounds: number;
  note(what: string): void;
}

/** Medians of the rounds, in ms. */
export interface Quantiles {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface AddedLatency {
  readonly peak: LoadFigures;
  readonly ratePerS: number;
  /** Through the ingress, paid. */
  readonly crawls: Quantiles;
  /** The same page from the site behind, past the ingress, at the same rate by the same driver. */
  readonly origin: Quantiles;
  /** A durable append in the platform's own log at the same rate, while nobody crawls. */
  readonly appends: Quantiles;
  /** The same, few a second, while crawls come. */
  readonly appendsBeside: Quantiles;
  readonly besidePerS: number;
  readonly failures: number;
}

/** Few enough not to be a load of their own. */
const besidePerS = 100;

/**
 * What a paid crawl takes longer through the ingress than from the site itself, at half of the rate
 * that the platform can do: queues are short then, so it is the way itself that is seen. All
 * latencies count from when a request was due.
 */
export async function benchAddedLatency(
  page: PricedPage,
  options: AddedLatencyOptions,
): Promise<AddedLatency> {
  const { run, target } = page;
  const { note, connections, crawls, warmUpCrawls, seconds, rounds } = options;
  note(`peak, ${connections} at once`);
  const load = { connections, crawls, warmUpCrawls, payers: run.wallets };
  const peak = await benchPaidCrawls(target, load);
  if (peak.failures > 0) throw fail('bench_failed', `at the peak: ${JSON.stringify(peak.seen)}`);
  const ratePerS = peak.ratePerS / 2;
  const done: Round[] = [];
  const log = page.openLog();
  try {
    for (let round = 1; round <= rounds; round++) {
      note(`round ${round} of ${rounds} at ${Math.round(ratePerS)}/s`);
      await whenFolded(run.api);
      done.push(await oneRound(page, log, { connections, ratePerS, seconds }));
    }
  } finally {
    await log.close();
  }
  const over = (what: (round: Round) => Quantiles): Quantiles => ({
    p50Ms: median(done.map((round) => what(round).p50Ms)),
    p99Ms: median(done.map((round) => what(round).p99Ms)),
  });
  return {
    ...{ peak, ratePerS, besidePerS },
    crawls: over(({ paid }) => paid),
    origin: over(({ origin }) => origin),
    appends: over(({ appends }) => appends),
    appendsBeside: over(({ beside }) => beside),
    failures: done.reduce((sum, { paid, origin }) => sum + paid.failures + origin.failures, 0),
  };
}

interface Round {
  readonly appends: DurableAppendResult;
  readonly origin: OpenLoopFigures;
  readonly paid: OpenLoopFigures;
  readonly beside: DurableAppendResult;
}

async function oneRound(
  { run, target, origin: site }: PricedPage,
  log: EventLog,
  rate: { readonly connections: number; readonly ratePerS: number; readonly seconds: number },
): Promise<Round> {
  const { ratePerS, seconds } = rate;
  const appends = await offerAppends(log, { ratePerS, seconds });
  const bytes = requestBytes(target);
  const origin = await runOpenLoop({
    ...rate,
    target: targetOf(site),
    next: () => bytes,
    isExpected: ({ status }) => status === 200,
  });
  const requests = await signedRequests(target, run.wallets, Math.ceil(ratePerS * seconds));
  const [paid, beside] = await Promise.all([
    runOpenLoop({
      ...rate,
      target: targetOf(target.ingress),
      next: () => requests.pop(),
      isExpected: isPaid,
    }),
    offerAppends(log, { ratePerS: besidePerS, seconds }),
  ]);
  return { appends, origin, paid, beside };
}
