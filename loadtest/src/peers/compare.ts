import { fail } from '@paycrawl/errors/paycrawl-error';
import { type BenchPlatform, requireClean, withBenchPlatform } from '../bench/bench-platform.js';
import { benchChallenges, benchPaidCrawls, type Target } from '../bench/crawls.js';
import { benchVerifications } from '../bench/facilitator-verify.js';
import type { LoadFigures } from '../driver/closed-loop.js';
import { derivePayers } from '../payload/payers.js';
import type { Payer } from '../payload/sign-proofs.js';
import { startReferenceStack } from './reference-stack.js';

/** How much of each is asked for: a slow stack gets less of it, in about the same time. */
export interface Sizes {
  readonly challengeSeconds: number;
  readonly verifications: number;
  readonly paidOneAtATime: number;
  readonly paidAtSixteen: number;
  readonly paidAtMost?: number;
  readonly warmUp: number;
}

export interface StackFigures {
  readonly challenges: LoadFigures;
  readonly verify: LoadFigures;
  readonly paidOneAtATime: LoadFigures;
  readonly paidAtSixteen: LoadFigures;
  /** As many as everywhere in these benches; the reference fails at less. */
  readonly paidAtMost?: LoadFigures | undefined;
}

interface Stack {
  readonly page: Target;
  readonly facilitator: Parameters<typeof benchVerifications>[0];
  readonly payers: readonly Payer[];
  readonly offered: BenchPlatform['offered'];
}

const connections = 64;
/** For what nobody delivers, as in `npm run bench`. */
const manyConnections = 256;
const atOnce = 16;
const payersCount = 16;

/** The same driver, in the same order, for whoever stands behind it. */
async function measure(
  { page, facilitator, payers, offered }: Stack,
  sizes: Sizes,
  note: (what: string) => void,
): Promise<StackFigures> {
  const { challengeSeconds, verifications, warmUp } = sizes;
  note('challenges');
  const challengesFor = (seconds: number) =>
    offered(() => benchChallenges(page, connections, seconds));
  await challengesFor(challengeSeconds / 5);
  const challenges = await challengesFor(challengeSeconds);
  note('verifications');
  const asked = { connections: manyConnections, payers };
  await benchVerifications(facilitator, { ...asked, verifications: warmUp });
  const verify = await benchVerifications(facilitator, { ...asked, verifications });
  const paid = (most: number, crawls: number) =>
    benchPaidCrawls(page, { connections: most, crawls, warmUpCrawls: warmUp, payers });
  note('paid requests, one at a time');
  const paidOneAtATime = await paid(1, sizes.paidOneAtATime);
  note(`paid requests, ${atOnce} at once`);
  const paidAtSixteen = await paid(atOnce, sizes.paidAtSixteen);
  if (sizes.paidAtMost === undefined) return { challenges, verify, paidOneAtATime, paidAtSixteen };
  note(`paid requests, ${connections} at once`);
  const paidAtMost = await paid(connections, sizes.paidAtMost);
  return { challenges, verify, paidOneAtATime, paidAtSixteen, paidAtMost };
}

export async function measureReference(
  options: { readonly sizes: Sizes; readonly hasNonceManager: boolean },
  note: (what: string) => void,
): Promise<StackFigures> {
  const payers = derivePayers({ seed: 'peers', count: payersCount });
  const { hasNonceManager, sizes } = options;
  const stack = await startReferenceStack({ payers, hasNonceManager });
  try {
    const { server, facilitator, payTo, chain } = stack;
    const page = { ingress: server, host: new URL(server).host, path: '/page' };
    const publisher = { id: 'peer', payTo, token: '' };
    const figures = await measure(
      // Its offers are in no log.
      { page, facilitator: { facilitator, chain, publisher }, payers, offered: (load) => load() },
      sizes,
      note,
    );
    requireSome(figures);
    return figures;
  } finally {
    await stack.close();
  }
}

/** Ours, with the audit at the end: a run with one lost or doubled event is a failed run. */
export async function measureOurs(
  sizes: Sizes,
  note: (what: string) => void,
): Promise<StackFigures> {
  const audited = await withBenchPlatform(async ({ run, target: page, offered }) => {
    const stack = { page, facilitator: run, payers: run.wallets, offered };
    return measure(stack, sizes, note);
  });
  const figures = requireClean(audited);
  requireSome(figures);
  return figures;
}

/** A stack that refuses everything was set up wrongly; what it gave is no figure. */
function requireSome({ challenges, verify, paidOneAtATime }: StackFigures): void {
  for (const [what, { ratePerS, seen }] of Object.entries({ challenges, verify, paidOneAtATime })) {
    if (ratePerS === 0) throw fail('bench_failed', `${what}: only ${JSON.stringify(seen)}`);
  }
}
