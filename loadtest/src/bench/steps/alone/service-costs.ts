import { setTimeout as delay } from 'node:timers/promises';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { physicalTopic, type TopicName } from '@paycrawl/events/topics';
import { fundPayers } from '../../../k6/load-target.js';
import type { Payer } from '../../../payload/sign-proofs.js';
import { addBenchPublisher } from '../../bench-publisher.js';
import { benchChallenges, benchPaidCrawls, type Target } from '../../crawls.js';
import { ownUs } from '../crawl-cpu.js';
import { type Alone, withServiceAlone } from './alone.js';
import type { AloneService } from './alone-main.js';
import { giveAtOnce, giveInTime, type RecordedLog, recordsFor } from './recorded-log.js';

/** Processor time of one service for one crawl, by itself, without what it uses at rest. */
export interface ServiceCost {
  readonly service: AloneService;
  readonly us: number;
}

interface Fed {
  readonly service: AloneService;
  readonly reads: readonly TopicName[];
  /** Where it must write as much as it wrote in the platform. */
  readonly writes?: TopicName;
  readonly isGiven?: (type: string) => boolean;
  /** It asks the chain what payers have. */
  readonly asksForFunds?: boolean;
}

const idleMs = 3_000;
const fedServices: readonly Fed[] = [
  { service: 'verifier', reads: ['payments'], writes: 'decisions', asksForFunds: true },
  { service: 'metering', reads: ['decisions'], writes: 'ledger' },
  {
    ...{ service: 'settlement', reads: ['charges'], writes: 'settlements' },
    // What its driver wrote there is for another chain.
    isGiven: (type) => type === 'ChargeDue',
    asksForFunds: true,
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
    costs.push({ service: fed.service, us: await fedUs(fed, options) });
  }
  options.note('ingress alone');
  const { crawlUs, challengeUs } = await ingressUs(options);
  return { costs: [...costs, { service: 'ingress', us: crawlUs }], challengeUs };
}

async function fedUs(
  { service, reads, writes, isGiven, asksForFunds = false }: Fed,
  { recorded, crawls, payers }: CostOptions,
): Promise<number> {
  const [before, measured] = [recorded.before, recorded.measured].map((records) =>
    recordsFor(records, reads, isGiven),
  );
  return withServiceAlone(
    service,
    async ({ devnet }) => {
      if (asksForFunds) await fundPayers({ devnetRpc: devnet.rpcUrl, payers });
    },
    async (alone) => {
      await giveAtOnce(alone.log, before ?? []);
      const us = await usedWithoutIdle(alone, () => giveInTime(alone.log, measured ?? []));
      if (writes !== undefined) await requireAsMuch(alone, writes, recorded);
      return us / crawls;
    },
  );
}

/** What a load uses until the service rests, less what it would have used anyway. */
async function usedWithoutIdle(
  { usedUs, atRest }: Pick<Alone, 'usedUs' | 'atRest'>,
  load: () => Promise<unknown>,
): Promise<number> {
  await atRest();
  const idleFrom = usedUs();
  await delay(idleMs);
  const before = usedUs();
  const idlePerMs = (before - idleFrom) / idleMs;
  const startedMs = performance.now();
  await load();
  await atRest();
  return usedUs() - before - idlePerMs * (performance.now() - startedMs);
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

async function ingressUs(
  options: CostOptions,
): Promise<{ readonly crawlUs: number; readonly challengeUs: number }> {
  return withServiceAlone(
    'ingress',
    async () => undefined,
    async ({ address, log, devnet, usedUs }) => {
      const chain = { network: `eip155:${devnet.chainId}`, asset: devnet.usdc };
      const place = { ingress: address, chain, publisher: { payTo: payee } };
      const publisher = await addBenchPublisher(place, log);
      try {
        const target = { ingress: address, host: publisher.host, path: '/page' };
        const challengeUs = await unpaidUs(target, usedUs);
        return { crawlUs: await paidUs(target, usedUs, options), challengeUs };
      } finally {
        await publisher.close();
      }
    },
  );
}

async function paidUs(
  target: Target,
  usedUs: () => number,
  { crawls, warmUpCrawls, payers }: CostOptions,
): Promise<number> {
  const load = { connections, crawls, warmUpCrawls, payers, arePayersKnown: true };
  let us = 0;
  const figures = await benchPaidCrawls(target, load, {
    onMeasuring: () => {
      us = usedUs();
    },
    onMeasured: () => {
      us = usedUs() - us;
    },
  });
  if (figures.failures === 0) return us / crawls;
  throw fail('bench_failed', `the ingress alone: ${JSON.stringify(figures.seen)}`);
}

async function unpaidUs(target: Target, usedUs: () => number): Promise<number> {
  await benchChallenges(target, challengesAtOnce, challengeSeconds);
  const before = usedUs() + ownUs();
  const { requests } = await benchChallenges(target, challengesAtOnce, challengeSeconds);
  return (usedUs() + ownUs() - before) / requests;
}

const payee = `0x${'cd'.repeat(20)}`;
