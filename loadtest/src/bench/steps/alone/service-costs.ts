import { setTimeout as delay } from 'node:timers/promises';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import { fundPayers } from '../../../k6/load-target.js';
import type { Payer } from '../../../payload/sign-proofs.js';
import { addBenchPublisher } from '../../bench-publisher.js';
import { benchChallenges, benchPaidCrawls, type Target } from '../../crawls.js';
import { ownUs } from '../crawl-cpu.js';
import { type Alone, type Used, withServiceAlone } from './alone.js';
import type { AloneService } from './alone-main.js';
import { giveAtOnce, giveInTime, type RecordedLog, recordsFor } from './recorded-log.js';

/** Processor time of one service for one crawl, by itself, without what it uses at rest. */
export interface ServiceCost extends Used {
  readonly service: AloneService;
}

interface Fed {
  readonly service: AloneService;
  readonly reads: readonly TopicName[];
  /** Where it must write as much as it wrote in the platform. */
  readonly writes?: TopicName;
  readonly isGiven?: (type: string) => boolean;
  /** It asks the chain what payers have. */
  readonly asksForFunds?: boolean;
  /** So many of the records that came before are enough to be warm; default all. */
  readonly beforeMost?: number;
}

const idleMs = 3_000;
const fedServices: readonly Fed[] = [
  { service: 'verifier', reads: ['payments'], writes: 'decisions', asksForFunds: true },
  { service: 'metering', reads: ['decisions'], writes: 'ledger' },
  {
    ...{ service: 'settlement', reads: ['charges'] },
    // What its driver wrote there is for another chain.
    isGiven: (type) => type === 'ChargeDue',
    asksForFunds: true,
    beforeMost: 1_000,
  },
  {
    service: 'analytics',
    reads: ['challenges', 'payments', 'decisions', 'ledger', 'charges', 'settlements'],
  },
];

export interface CostOptions {
  readonly recorded: RecordedLog;
  readonly crawls: number;
  readonly warmUpCrawls: number;
  readonly payers: readonly Payer[];
  note(what: string): void;
}

export interface AllCosts {
  readonly costs: readonly ServiceCost[];
  /** Of the ingress and of the load that asks it, for a challenge. */
  readonly challengeUs: number;
}

/** Each service by itself: the ingress with crawlers, the others with what came to them before. */
export async function serviceCosts(options: CostOptions): Promise<AllCosts> {
  const costs: ServiceCost[] = [];
  for (const fed of fedServices) {
    options.note(`${fed.service} alone`);
    costs.push({ service: fed.service, ...(await fedUsed(fed, options)) });
  }
  options.note('ingress alone');
  const { crawl, challengeUs } = await ingressUsed(options);
  return { costs: [...costs, { service: 'ingress', ...crawl }], challengeUs };
}

async function fedUsed(
  { service, reads, writes, isGiven, asksForFunds = false, beforeMost }: Fed,
  { recorded, crawls, payers }: CostOptions,
): Promise<Used> {
  const before = recordsFor(recorded.before, reads, isGiven);
  const measured = recordsFor(recorded.measured, reads, isGiven);
  const first = beforeMost === undefined ? before : before.slice(-beforeMost);
  return withServiceAlone(
    service,
    async ({ devnet }) => {
      if (asksForFunds) await fundPayers({ devnetRpc: devnet.rpcUrl, payers });
    },
    async (alone) => {
      await giveAtOnce(alone.log, first);
      const used = await usedWithoutIdle(alone, () => giveInTime(alone.log, measured));
      if (writes !== undefined) await requireAsMuch(alone, writes, recorded);
      return perCrawl(used, crawls);
    },
  );
}

/** What a load uses until the service rests, less what it would have used anyway. */
async function usedWithoutIdle(
  { used, atRest }: Pick<Alone, 'used' | 'atRest'>,
  load: () => Promise<unknown>,
): Promise<Used> {
  await atRest();
  // What was given before leaves merges and garbage behind.
  await delay(idleMs);
  const idleFrom = await used();
  await delay(idleMs);
  const before = await used();
  const startedMs = performance.now();
  await load();
  await atRest();
  const idles = (performance.now() - startedMs) / idleMs;
  const after = await used();
  const of = (kind: keyof Used) =>
    after[kind] - before[kind] - idles * (before[kind] - idleFrom[kind]);
  return { us: of('us'), helpersUs: of('helpersUs'), pausesUs: of('pausesUs') };
}

function perCrawl({ us, helpersUs, pausesUs }: Used, crawls: number): Used {
  return { us: us / crawls, helpersUs: helpersUs / crawls, pausesUs: pausesUs / crawls };
}

/** A service that did something else would cost something else. */
async function requireAsMuch({ log }: Alone, writes: TopicName, recorded: RecordedLog) {
  const topic = physicalTopic(writes);
  const partitions = (await log.topics()).find(({ name }) => name === topic)?.partitions ?? 0;
  let written = 0;
  for (let partition = 0; partition < partitions; partition++) {
    written += (await log.offsets({ topic, partition })).next;
  }
  const all = [...recorded.before, ...recorded.measured];
  const wanted = all.filter((record) => record.topic === topic).length;
  if (written > 0.8 * wanted && written < 1.25 * wanted) return;
  throw fail('bench_failed', `${writes}: ${written} records, and ${wanted} in the platform`);
}

const connections = 64;
const challengesAtOnce = 256;
const challengeSeconds = 2;

async function ingressUsed(
  options: CostOptions,
): Promise<{ readonly crawl: Used; readonly challengeUs: number }> {
  return withServiceAlone(
    'ingress',
    async () => undefined,
    async ({ address, log, devnet, used }) => {
      const chain = { network: `eip155:${devnet.chainId}`, asset: devnet.usdc };
      const place = { ingress: address, chain, publisher: { payTo: payee } };
      const publisher = await addBenchPublisher(place, log);
      try {
        const target = { ingress: address, host: publisher.host, path: '/page' };
        const challengeUs = await unpaidUs(target, used);
        return { crawl: await paidUsed(target, used, options), challengeUs };
      } finally {
        await publisher.close();
      }
    },
  );
}

async function paidUsed(
  target: Target,
  used: Alone['used'],
  { crawls, warmUpCrawls, payers }: CostOptions,
): Promise<Used> {
  const all = { connections, payers, arePayersKnown: true };
  await benchPaidCrawls(target, { ...all, crawls: 1, warmUpCrawls });
  const before = await used();
  const figures = await benchPaidCrawls(target, { ...all, crawls, warmUpCrawls: 0 });
  const after = await used();
  if (figures.failures > 0) {
    throw fail('bench_failed', `the ingress alone: ${JSON.stringify(figures.seen)}`);
  }
  const of = (kind: keyof Used) => after[kind] - before[kind];
  const sums = { us: of('us'), helpersUs: of('helpersUs'), pausesUs: of('pausesUs') };
  return perCrawl(sums, crawls);
}

async function unpaidUs(target: Target, used: Alone['used']): Promise<number> {
  await benchChallenges(target, challengesAtOnce, challengeSeconds);
  const before = (await used()).us + ownUs();
  const { requests } = await benchChallenges(target, challengesAtOnce, challengeSeconds);
  return ((await used()).us + ownUs() - before) / requests;
}

const payee = `0x${'cd'.repeat(20)}`;
