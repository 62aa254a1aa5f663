import type { LoadFigures } from '../../driver/closed-loop.js';
import { targetOf } from '../../driver/http-connection.js';
import { type OpenLoopFigures, runOpenLoop } from '../../driver/open-loop.js';
import type { PricedPage } from '../bench-platform.js';
import { benchPaidCrawls, isPaid, isToldToComeBack, signedRequests } from '../crawls.js';
import { whenFolded } from '../when-folded.js';

export interface BeyondPeakOptions {
  /** Of the closed loop that finds the peak. */
  readonly connections: number;
  readonly crawls: number;
  readonly warmUpCrawls: number;
  /** How much more than the peak is offered, one after the other. */
  readonly times: readonly number[];
  readonly seconds: number;
  /** Of the open loop. */
  readonly connectionsMost: number;
  note(what: string): void;
}

export interface BeyondPeak {
  readonly peak: LoadFigures;
  readonly offers: readonly OfferedMore[];
}

export interface OfferedMore {
  readonly times: number;
  readonly figures: OpenLoopFigures;
  /** What was served of it, to the peak. */
  readonly goodput: number;
}

/** Finds the peak, and offers more. Each load begins when every fold has what the last one left. */
export async function benchBeyondPeak(
  { run, target }: PricedPage,
  options: BeyondPeakOptions,
): Promise<BeyondPeak> {
  const { connections, crawls, warmUpCrawls, times, seconds, connectionsMost, note } = options;
  note(`peak, ${connections} at once`);
  const load = { connections, crawls, warmUpCrawls, payers: run.wallets };
  const peak = await benchPaidCrawls(target, load);
  const offers: OfferedMore[] = [];
  for (const more of times) {
    await whenFolded(run.api);
    const ratePerS = peak.ratePerS * more;
    note(`${more} × the peak: ${Math.round(ratePerS)}/s over ${connectionsMost} connections`);
    const requests = await signedRequests(target, run.wallets, Math.ceil(ratePerS * seconds));
    const figures = await runOpenLoop({
      target: targetOf(target.ingress),
      connections: connectionsMost,
      ...{ ratePerS, seconds },
      next: () => requests.pop(),
      isExpected: isPaid,
      isRefused: isToldToComeBack,
    });
    offers.push({ times: more, figures, goodput: figures.ratePerS / peak.ratePerS });
  }
  return { peak, offers };
}
