import { fail } from '@paycrawl/errors/paycrawl-error';
import type { LoadFigures } from '../../driver/closed-loop.js';
import { benchBareRecovery, startBareFastify } from '../bare.js';
import { type BenchPlatform, requireClean, withBenchPlatform } from '../bench-platform.js';
import { benchChallenges, benchPaidCrawls, currentOfferHeader } from '../crawls.js';
import { cpuOf } from '../process-cpu.js';
import { whenFolded } from '../when-folded.js';
import type { Measured } from './bands.js';
import { interleaved, ofCosts, ofRates } from './interleave.js';

const connections = 64;
const pairs = 5;
const challengeSeconds = 1;
const warmUpSeconds = 2;
const crawlsOfPair = 1_500;
const warmUpCrawls = 4_000;
const recoveries = 4_000;
const body = '{"x402Version":1,"error":"X-PAYMENT header is required","accepts":[]}';

/** A whole platform beside its limits: by the clock, and by processor time where that is steadier. */
export async function measureMacro(): Promise<Measured[]> {
  const audited = await withBenchPlatform(async (platform) => [
    ...(await challengeRatios(platform)),
    ...(await paidRatios(platform)),
  ]);
  return requireClean(audited);
}

interface Load {
  readonly perS: number;
  /** Processor time for one request, until nobody has work left from it. */
  readonly cpuUs: number;
}

/** Challenges beside Fastify answering the same bytes. */
async function challengeRatios(platform: BenchPlatform): Promise<Measured[]> {
  const { run, pid, target } = platform;
  const header = await currentOfferHeader(target);
  const bare = await startBareFastify(header, body);
  const challenges = (seconds: number): Promise<LoadFigures> =>
    platform.offered(() => benchChallenges(target, connections, seconds));
  await challenges(warmUpSeconds);
  await bare.load(connections, warmUpSeconds);
  const pieces = bothOf(
    () =>
      loadOf(pid, async () => {
        const figures = await challenges(challengeSeconds);
        await whenFolded(run.api);
        return figures;
      }),
    () => loadOf(bare.pid, () => bare.load(connections, challengeSeconds)),
  );
  const perS = await interleaved(pairs, pieces.ours, pieces.limit, ofRates);
  bare.close();
  return [
    { name: 'challenges', ratio: perS },
    { name: 'challenges-cpu', ratio: pieces.cpuRatio() },
  ];
}

/** Paid crawls beside the recovery of their signatures on one core. */
async function paidRatios({ run, pid, target }: BenchPlatform): Promise<Measured[]> {
  const crawl = (crawls: number, warmUp: number): Promise<LoadFigures> =>
    benchPaidCrawls(target, { connections, crawls, warmUpCrawls: warmUp, payers: run.wallets });
  await crawl(1, warmUpCrawls);
  await whenFolded(run.api);
  const pieces = bothOf(
    () =>
      loadOf(pid, async () => {
        const figures = await crawl(crawlsOfPair, 0);
        await whenFolded(run.api);
        return figures;
      }),
    () => recoveryLoad(),
  );
  const perS = await interleaved(pairs, pieces.ours, pieces.limit, ofRates);
  return [
    { name: 'paid', ratio: perS },
    { name: 'paid-cpu', ratio: pieces.cpuRatio() },
  ];
}

/** Rates for the pairs; the costs of the same runs are kept beside. */
function bothOf(ours: () => Promise<Load>, limit: () => Promise<Load>) {
  const costs = { ours: 0, limit: 0 };
  const counted = (side: keyof typeof costs, load: () => Promise<Load>) => async () => {
    const { perS, cpuUs } = await load();
    costs[side] += cpuUs;
    return perS;
  };
  return {
    ours: counted('ours', ours),
    limit: counted('limit', limit),
    cpuRatio: () => ofCosts(costs.ours, costs.limit),
  };
}

async function loadOf(pid: number, load: () => Promise<LoadFigures>): Promise<Load> {
  const before = usedUs(pid);
  const { ratePerS, requests, failures, seen } = await load();
  if (failures > 0) throw fail('bench_failed', `under load: ${JSON.stringify(seen)}`);
  return { perS: ratePerS, cpuUs: (usedUs(pid) - before) / requests };
}

function usedUs(pid: number): number {
  const us = cpuOf([{ name: 'one', pid }]).get('one');
  if (us === undefined) throw fail('bench_failed', 'This machine does not tell processor time.');
  return us;
}

async function recoveryLoad(): Promise<Load> {
  const before = process.cpuUsage();
  const { perS } = benchBareRecovery(recoveries);
  const { user, system } = process.cpuUsage(before);
  return { perS, cpuUs: (user + system) / recoveries };
}
