import { fail } from '@paycrawl/errors/paycrawl-error';
import { requireClean, withBenchPlatform } from '../bench-platform.js';
import { benchPaidCrawls } from '../crawls.js';
import { cpuBetween, cpuOf } from '../process-cpu.js';
import { whenFolded } from '../when-folded.js';

export interface CrawlCpu {
  /** Of the whole platform for a crawl, until every fold and the charts have it. */
  readonly us: number;
  /** Part of it: after the last answer, until then. */
  readonly afterwardsUs: number;
  readonly ratePerS: number;
}

const connections = 64;
const warmUpCrawls = 5_000;

/** A short load of paid crawls on a platform of its own; the devnet is another process. */
export async function measureCrawlCpu(crawls: number): Promise<CrawlCpu> {
  const audited = await withBenchPlatform(async ({ run, pid, target }) => {
    const used = () => cpuOf([{ name: 'platform', pid }]);
    let before = used();
    let between = before;
    const options = { connections, crawls, warmUpCrawls, payers: run.wallets };
    const figures = await benchPaidCrawls(target, options, {
      onMeasuring: () => {
        before = used();
      },
      onMeasured: () => {
        between = used();
      },
    });
    await whenFolded(run.api);
    const after = used();
    const [platformCpu] = cpuBetween(before, after);
    const [afterwards] = cpuBetween(between, after);
    if (figures.failures > 0 || platformCpu === undefined) {
      throw fail('bench_failed', `paid crawls: ${JSON.stringify(figures.seen)}`);
    }
    const afterwardsUs = (afterwards?.us ?? 0) / crawls;
    return { us: platformCpu.us / crawls, afterwardsUs, ratePerS: figures.ratePerS };
  });
  return requireClean(audited);
}
