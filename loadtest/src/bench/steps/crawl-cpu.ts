import { setTimeout as delay } from 'node:timers/promises';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { fundPayers } from '../../k6/load-target.js';
import { derivePayers } from '../../payload/payers.js';
import { requireClean, withBenchPlatform } from '../bench-platform.js';
import { benchPaidCrawls } from '../crawls.js';
import { cpuOf } from '../process-cpu.js';
import { whenFolded, whenSettled } from '../when-folded.js';
import { markLog, type RecordedLog, recordLog } from './alone/recorded-log.js';

export interface CrawlCpu {
  /** Of the whole platform for a crawl until it is settled, less what it uses at rest. */
  readonly us: number;
  /** Part of it: until every fold and the charts have it, with what was settled by then. */
  readonly foldedUs: number;
  /** What it uses when nobody crawls, of one core. */
  readonly idleShare: number;
  /** Of this process, for a crawl: driver and site. */
  readonly loadUs: number;
  readonly ratePerS: number;
}

export interface RecordedCrawls extends CrawlCpu {
  readonly recorded: RecordedLog;
}

const connections = 64;
const idleMs = 5_000;

/** As many payers as one crawl finds in the memory of a busy platform. */
export const payersOfCrawls = { seed: 'steps', count: 500 };

/** Of this process. */
export function ownUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** A short load of paid crawls on a platform of its own; the devnet is another process. */
export async function measureCrawlCpu(
  crawls: number,
  warmUpCrawls: number,
): Promise<RecordedCrawls> {
  const work = withBenchPlatform(
    async ({ run, pid, target, openLog }) => {
      const usedUs = () => cpuOf([{ name: 'platform', pid }]).get('platform') ?? 0;
      await fundPayers({ devnetRpc: run.chain.rpc, payers: payersOfCrawls });
      const payers = derivePayers(payersOfCrawls);
      const options = { connections, payers };
      await benchPaidCrawls(target, { ...options, crawls: 1, warmUpCrawls });
      await whenSettled(run.api);
      // Merges and garbage of the warm-up.
      await delay(idleMs);
      const idleFrom = usedUs();
      await delay(idleMs);
      const idlePerMs = (usedUs() - idleFrom) / idleMs;
      const log = openLog();
      const mark = await markLog(log);
      let before = 0;
      let beganMs = 0;
      let loadUs = 0;
      const since = () => usedUs() - before - idlePerMs * (performance.now() - beganMs);
      const load = { ...options, crawls, warmUpCrawls: 0, arePayersKnown: true };
      const figures = await benchPaidCrawls(target, load, {
        onMeasuring: () => {
          beganMs = performance.now();
          before = usedUs();
          loadUs = ownUs();
        },
        onMeasured: () => {
          loadUs = (ownUs() - loadUs) / crawls;
        },
      });
      await whenFolded(run.api);
      const foldedUs = since() / crawls;
      await whenSettled(run.api);
      const us = since() / crawls;
      const recorded = await recordLog(log, mark);
      await log.close();
      if (figures.failures > 0) throw fail('bench_failed', JSON.stringify(figures.seen));
      const idleShare = idlePerMs / 1_000;
      return { us, foldedUs, idleShare, loadUs, ratePerS: figures.ratePerS, recorded };
    },
    { settlesAtOnce: true },
  );
  return requireClean(await work);
}
