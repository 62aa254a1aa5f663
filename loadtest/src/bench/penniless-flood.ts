import { fail } from '@paycrawl/errors/paycrawl-error';
import { type LoadFigures, runClosedLoop } from '../driver/closed-loop.js';
import { targetOf } from '../driver/http-connection.js';
import { derivePayers } from '../payload/payers.js';
import type { Payer } from '../payload/sign-proofs.js';
import type { BenchPlatform } from './bench-platform.js';
import { interleaved, ofCosts, ofRates } from './check/interleave.js';
import { payAll, signedRequests, type Target } from './crawls.js';
import { cpuOf } from './process-cpu.js';
import { whenFolded } from './when-folded.js';

export interface FloodOptions {
  /** Of those who pay, and as many again of the flood. */
  readonly connections: number;
  /** Paid crawls of one turn. */
  readonly crawls: number;
  /** Turns with the flood, and as many without. */
  readonly pairs: number;
  /** Known; they pay. */
  readonly payers: readonly Payer[];
  /** Never funded, never seen: each sends one proof, well signed. */
  readonly penniless: number;
}

export interface FloodFigures {
  /** Rate of the crawls that pay, beside the flood to without it: the median of the pairs. */
  readonly ratio: number;
  /**
   * The same of the platform's processor time for a crawl that pays, the flood's share included:
   * what the rates come to where the processor is the limit, steadier on a machine with others.
   */
  readonly cpuRatio: number | undefined;
  readonly alone: readonly LoadFigures[];
  readonly beside: readonly LoadFigures[];
  /** 402 is what is expected; 503 where the turn of a stranger did not come. */
  readonly flood: readonly LoadFigures[];
}

/** What wallets that are empty cost those who pay: the same crawls beside them and alone, in turns. */
export async function benchPennilessFlood(
  { run, pid, target, offered }: BenchPlatform,
  { connections, crawls, pairs, payers, penniless }: FloodOptions,
): Promise<FloodFigures> {
  const wallets = derivePayers({ seed: `penniless ${Date.now()}`, count: penniless });
  const proofs = await signedRequests(target, wallets, penniless);
  const figures = {
    alone: [] as LoadFigures[],
    beside: [] as LoadFigures[],
    flood: [] as LoadFigures[],
  };
  const cpuUs = { alone: 0, beside: 0 };
  const turnOf = async (side: keyof typeof cpuUs, around: Around): Promise<number> => {
    const requests = await signedRequests(target, payers, crawls);
    const before = usedUs(pid);
    const paid = await around(() => payAll(target, requests, connections));
    await whenFolded(run.api);
    cpuUs[side] += usedUs(pid) - before;
    figures[side].push(paid);
    return paid.ratePerS;
  };
  const withFlood: Around = async (pay) => {
    const { paid, ...flooded } = await offered(async () => {
      const paying = pay();
      const flood = startFlood(target, proofs, connections);
      return { paid: await paying, ...(await flood.stop()) };
    });
    figures.flood.push(flooded);
    if (proofs.length === 0) throw fail('bench_failed', 'The flood ran dry: more empty wallets.');
    return paid;
  };
  const ratio = await interleaved(
    pairs,
    () => turnOf('beside', withFlood),
    () => turnOf('alone', (pay) => pay()),
    ofRates,
  );
  const cpuRatio = cpuUs.beside > 0 ? ofCosts(cpuUs.beside, cpuUs.alone) : undefined;
  return { ratio, cpuRatio, ...figures };
}

/** 0 where this machine does not tell. */
function usedUs(pid: number): number {
  return cpuOf([{ name: 'platform', pid }]).get('platform') ?? 0;
}

type Around = (pay: () => Promise<LoadFigures>) => Promise<LoadFigures>;

function startFlood(
  target: Target,
  proofs: Buffer[],
  connections: number,
): { stop(): Promise<LoadFigures> } {
  let isOver = false;
  const load = runClosedLoop({
    target: targetOf(target.ingress),
    connections,
    secondsMax: 600,
    next: () => (isOver ? undefined : proofs.pop()),
    isExpected: ({ status }) => status === 402,
  });
  return {
    stop: () => {
      isOver = true;
      return load;
    },
  };
}
