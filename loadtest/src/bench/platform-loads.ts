import type { RunFile } from '@paycrawl/standalone/run-file';
import type { LoadFigures } from '../driver/closed-loop.js';
import { fundPayers } from '../k6/load-target.js';
import { derivePayers } from '../payload/payers.js';
import type { Payer } from '../payload/sign-proofs.js';
import { benchBareFastify } from './bare.js';
import type { BenchPlatform } from './bench-platform.js';
import {
  benchChallenges,
  benchFirstProofs,
  benchPaidCrawls,
  currentOfferHeader,
} from './crawls.js';
import { benchVerifications } from './facilitator-verify.js';
import { benchPennilessFlood, type FloodFigures } from './penniless-flood.js';
import { whenFolded } from './when-folded.js';

export interface LoadSizes {
  readonly connections: number;
  /** For what nobody delivers: while one group of the log becomes durable, the edge makes the next. */
  readonly manyConnections: number;
  readonly loadSeconds: number;
  readonly verifications: number;
  /** Wallets with money that nobody has seen; they pay for everything that follows. */
  readonly newPayers: number;
  readonly newPayersAtOnce: number;
  readonly paid: readonly {
    readonly atOnce: number;
    readonly crawls: number;
    readonly warmUpCrawls: number;
  }[];
  readonly flood: {
    readonly pairs: number;
    readonly crawls: number;
    readonly penniless: number;
  };
}

/** Challenges, and Fastify answering the same bytes to as many. */
export interface ChallengeLoads {
  readonly atOnce: number;
  readonly challenges: LoadFigures;
  readonly bareFastify: LoadFigures;
}

export interface PlatformLoads {
  readonly unpaid: readonly ChallengeLoads[];
  readonly verify: LoadFigures;
  readonly paid: readonly { readonly atOnce: number; readonly figures: LoadFigures }[];
}

export interface NewPayersLoads {
  readonly firstProofs: LoadFigures;
  readonly flood: FloodFigures;
}

type Note = (what: string) => void;

/** Everything that the table says of one platform, one load after the other. */
export async function loadPlatform(
  platform: BenchPlatform,
  sizes: LoadSizes,
  note: Note,
): Promise<PlatformLoads & NewPayersLoads> {
  const { run, target } = platform;
  const { connections, manyConnections, verifications } = sizes;
  const unpaid: ChallengeLoads[] = [];
  for (const atOnce of [connections, manyConnections]) {
    unpaid.push(await loadChallenges(platform, atOnce, sizes.loadSeconds, note));
    await whenFolded(run.api);
  }
  note('facilitator');
  const asked = { connections: manyConnections, verifications, payers: run.wallets };
  await benchVerifications(run, { ...asked, verifications: Math.ceil(verifications / 3) });
  const verify = await benchVerifications(run, asked);
  await whenFolded(run.api);
  const { payers, firstProofs } = await loadNewPayers(platform, sizes, note);
  const paid: { atOnce: number; figures: LoadFigures }[] = [];
  for (const { atOnce, crawls, warmUpCrawls } of sizes.paid) {
    note(`paid crawls, ${atOnce} at once`);
    const load = { connections: atOnce, crawls, warmUpCrawls, payers, arePayersKnown: true };
    paid.push({ atOnce, figures: await benchPaidCrawls(target, load) });
    await whenFolded(run.api);
  }
  const flood = await loadFlood(platform, sizes, payers, note);
  return { unpaid, verify, firstProofs, paid, flood };
}

async function loadChallenges(
  { target, offered }: BenchPlatform,
  atOnce: number,
  seconds: number,
  note: Note,
): Promise<ChallengeLoads> {
  note(`challenges, ${atOnce} at once`);
  // Compilers first, as everywhere.
  await offered(() => benchChallenges(target, atOnce, seconds / 4));
  const challenges = await offered(() => benchChallenges(target, atOnce, seconds));
  const header = await currentOfferHeader(target);
  const body = '{"x402Version":1,"error":"X-PAYMENT header is required","accepts":[]}';
  note(`bare Fastify, ${atOnce} at once`);
  const bareFastify = await benchBareFastify(header, body, atOnce, seconds);
  return { atOnce, challenges, bareFastify };
}

/** First proofs alone, and then those of empty wallets beside crawls that pay. */
export async function loadStrangers(
  platform: BenchPlatform,
  sizes: LoadSizes,
  note: Note,
): Promise<NewPayersLoads> {
  const { payers, firstProofs } = await loadNewPayers(platform, sizes, note);
  return { firstProofs, flood: await loadFlood(platform, sizes, payers, note) };
}

async function loadNewPayers(
  { run, target }: BenchPlatform,
  { newPayers, newPayersAtOnce }: LoadSizes,
  note: Note,
): Promise<{ readonly payers: readonly Payer[]; readonly firstProofs: LoadFigures }> {
  note(`${newPayers} new payers get USDC`);
  const payers = await fundedPayers(run, newPayers);
  note(`first proofs, ${newPayersAtOnce} at once`);
  const firstProofs = await benchFirstProofs(target, payers, newPayersAtOnce);
  await whenFolded(run.api);
  return { payers, firstProofs };
}

async function loadFlood(
  platform: BenchPlatform,
  { connections, flood }: LoadSizes,
  payers: readonly Payer[],
  note: Note,
): Promise<FloodFigures> {
  note(`paid crawls beside ${connections} connections of empty wallets, and alone, in turns`);
  return benchPennilessFlood(platform, { connections, payers, ...flood });
}

async function fundedPayers({ chain }: RunFile, count: number): Promise<readonly Payer[]> {
  const seed = { seed: `bench ${Date.now()}`, count };
  await fundPayers({ devnetRpc: chain.rpc, payers: seed });
  return derivePayers(seed);
}
