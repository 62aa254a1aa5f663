import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openChain } from '@paycrawl/chain/chain-client';
import type { SignedAuthorization } from '@paycrawl/chain/usdc';
import type { Hex } from '@paycrawl/crypto/hex';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, NewRecord } from '@paycrawl/event-log/event-log';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { decodeEvent, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, type TopicName, topicConfigs } from '@paycrawl/events/topics';
import { createLogger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import type { Signer } from '@paycrawl/settlement/batches/driver-context';
import { loadSettlementConfig, type SettlementConfig } from '@paycrawl/settlement/config';
import { startSettlement } from '@paycrawl/settlement/service';
import { loadSigners } from '@paycrawl/settlement/signers';
import type { Devnet } from '@paycrawl/testkit/devnet';
import { eventually } from '@paycrawl/testkit/devnet-rpc';
import type { Payer } from '../../payload/sign-proofs.js';
import { cpuOf } from '../process-cpu.js';
import { type BareNodeFigures, benchBareNode, rewound, type SentLane } from './bare-node.js';
import { type LaneFigures, laneFigures, type Stage, stagesOf, type Timed } from './lane-times.js';
import { transferAmount, transferSigner } from './signed-transfers.js';
import { type ChainTime, timeChain } from './timed-chain.js';

export interface ThroughputOptions {
  readonly devnet: Devnet;
  readonly directory: string;
  readonly payers: readonly Payer[];
  readonly authorizations: number;
  readonly partitions: number;
  /** Knobs of the service, as its environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ThroughputFigures {
  readonly config: SettlementConfig;
  readonly settled: number;
  readonly wholeMs: number;
  /** While confirmations came: the pipeline's first fill is not counted. */
  readonly steadyPerS: number;
  readonly gasPerAuthorization: number;
  readonly lanes: readonly LaneFigures[];
  readonly stages: readonly Stage[];
  readonly chain: readonly ChainTime[];
  readonly cpuUs: CpuUs;
  /** What the node alone can do with the same transactions, in the same run. */
  readonly bare: BareNodeFigures;
}

interface CpuUs {
  /** The service, and this bench around it. */
  readonly service: number;
  readonly node: number;
}

const gasWei = 10n ** 20n;
const recordsPerAppend = 500;
const headPollMs = 50;
const settledWithinMs = 240_000;

/** The service itself over the embedded log and a devnet: from `ChargeDue` to `ChargeSettled`. */
export async function benchThroughput(options: ThroughputOptions): Promise<ThroughputFigures> {
  const { devnet, directory, partitions } = options;
  await mkdir(directory, { recursive: true });
  const log = openLmdbLog({ directory: join(directory, 'log') });
  try {
    await log.createTopics(topicConfigs({ payer: partitions, publisher: 1 }, 3_600_000));
    const signers = await loadSigners(join(directory, 'secrets'), partitions);
    for (const { address } of signers) await devnet.setEth(address, gasWei);
    const config = loadSettlementConfig(options.env);
    const rewind = await rewound(devnet);
    const { seenMs, ...run } = await runService(options, { log, config, signers });
    const charges = await readAll(log, 'charges', partitions);
    const figures = await readFigures(log, charges, config, seenMs);
    await assertPaid(options);
    await rewind();
    const bare = await benchBareNode(devnet, sentBy(signers, charges), () => nodeCpuUs(devnet));
    return { ...run, ...figures, config, bare };
  } finally {
    await log.close();
  }
}

interface Given {
  readonly log: EventLog;
  readonly config: SettlementConfig;
  readonly signers: readonly Signer[];
}

interface Run extends Pick<ThroughputFigures, 'wholeMs' | 'cpuUs' | 'chain'> {
  readonly seenMs: ReadonlyMap<number, number>;
}

async function runService(options: ThroughputOptions, given: Given): Promise<Run> {
  const { devnet, directory } = options;
  const timed = timeChain(openChain({ rpcUrl: devnet.rpcUrl, chainId: devnet.chainId }));
  const settlement = await startSettlement({
    ...{ ...given, chain: timed.chain },
    storeDirectory: join(directory, 'settlement'),
    logger: createLogger({ service: 'settlement', level: 'error' }),
    metrics: createMetrics({ service: 'settlement' }),
    clock: Date.now,
    onFatal: (error) => {
      throw error;
    },
  });
  const heads = watchHeads(devnet);
  try {
    await allLanesOpen(given.log, options);
    const records = chargesOf(options);
    const [cpuBefore, nodeBeforeUs] = [process.cpuUsage(), nodeCpuUs(devnet)];
    const beganMs = performance.now();
    const producer = given.log.producer();
    for (let at = 0; at < records.length; at += recordsPerAppend) {
      await producer.append(records.slice(at, at + recordsPerAppend));
    }
    await producer.close();
    await allSettled(given.log, options);
    const wholeMs = performance.now() - beganMs;
    const { user, system } = process.cpuUsage(cpuBefore);
    const cpuUs = { service: user + system, node: nodeCpuUs(devnet) - nodeBeforeUs };
    return { wholeMs, cpuUs, chain: timed.times(), seenMs: heads.seenMs };
  } finally {
    heads.stop();
    await settlement.close();
  }
}

function nodeCpuUs({ pid }: Devnet): number {
  return cpuOf([{ name: 'node', pid }]).get('node') ?? 0;
}

async function allLanesOpen(log: EventLog, { partitions }: ThroughputOptions): Promise<void> {
  await eventually('the lanes to open', async () => {
    const opened = (await readAll(log, 'charges', partitions)).flat();
    return opened.filter(({ event }) => event.type === 'LaneOpened').length === partitions
      ? true
      : undefined;
  });
}

/** What was mined of each lane; of several attempts the last one stands for all. */
function sentBy(signers: readonly Signer[], charges: readonly Timed[][]): SentLane[] {
  return signers.map((signer, lane) => {
    const byNonce = new Map<number, { raw: Hex; charges: number }>();
    for (const { event } of charges[lane] ?? []) {
      if (event.type !== 'AttemptProposed') continue;
      const { nonce, rawTransaction, chargeIds } = event.data;
      byNonce.set(nonce, { raw: rawTransaction as Hex, charges: chargeIds.length });
    }
    const inOrder = [...byNonce].sort(([a], [b]) => a - b);
    return { signer, transactions: inOrder.map(([, transaction]) => transaction) };
  });
}

const payTo: Hex = `0x${'cb'.repeat(20)}`;

/** Payers take turns, so that a batch holds as many of them as it can. */
function chargesOf({ devnet, payers, authorizations, partitions }: ThroughputOptions): NewRecord[] {
  const sign = transferSigner(devnet.chainId);
  return Array.from({ length: authorizations }, (_, index) => {
    const turn = index % payers.length;
    const signed = sign(payers[turn] as Payer, payTo);
    return chargeRecord(devnet, signed, `c${String(index).padStart(7, '0')}`, turn % partitions);
  });
}

function chargeRecord(
  devnet: Devnet,
  { authorization, signature }: SignedAuthorization,
  chargeId: string,
  partition: number,
): NewRecord {
  const network = `eip155:${devnet.chainId}`;
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const payer = `${network}:${from}`;
  const amount = value.toString();
  const window = { validAfter: validAfter.toString(), validBefore: validBefore.toString() };
  const data = {
    ...{ chargeId, payer, network, amount, signature, payTo: to, publisherId: 'p1' },
    asset: devnet.usdc.toLowerCase(),
    kind: 'crawl' as const,
    authorization: { from, to, value: amount, ...window, nonce },
    ...{ settleAlone: false, sealAtOnce: false },
  };
  const event = { type: 'ChargeDue', id: chargeId, source: 'bench', timeMs: Date.now(), data };
  return {
    ...{ topic: physicalTopic('charges'), partition, key: payer },
    value: encodeEvent(event as Parameters<typeof encodeEvent>[0]),
  };
}

/** When each block was first seen, by this machine's clock: block times are whole seconds. */
function watchHeads(devnet: Devnet): { seenMs: ReadonlyMap<number, number>; stop: () => void } {
  const seenMs = new Map<number, number>();
  const timer = setInterval(() => {
    void devnet.rpc<Hex>('eth_blockNumber').then(
      (answer) => {
        const number = Number.parseInt(answer, 16);
        if (!seenMs.has(number)) seenMs.set(number, Date.now());
      },
      // A busy node answers the next time.
      () => {},
    );
  }, headPollMs);
  return { seenMs, stop: () => clearInterval(timer) };
}

/** Reads only what is new: the bench must not compete with what it measures. */
async function allSettled(log: EventLog, options: ThroughputOptions): Promise<void> {
  const { partitions, authorizations } = options;
  const offsets = Array.from({ length: partitions }, () => 0);
  let settled = 0;
  await eventually(
    'every authorization to be confirmed',
    async () => {
      for (let partition = 0; partition < partitions; partition += 1) {
        const place = { topic: physicalTopic('payments'), partition };
        const some = await log.read(place, offsets[partition] ?? 0, 10_000);
        offsets[partition] = (some.at(-1)?.offset ?? (offsets[partition] ?? 0) - 1) + 1;
        settled += some.filter(({ value }) => value.includes('"ChargeSettled.v')).length;
      }
      return settled >= authorizations ? true : undefined;
    },
    settledWithinMs,
  );
}

type FromLog = 'settled' | 'steadyPerS' | 'gasPerAuthorization' | 'lanes' | 'stages';

async function readFigures(
  log: EventLog,
  charges: readonly Timed[][],
  config: SettlementConfig,
  seenMs: ReadonlyMap<number, number>,
): Promise<Pick<ThroughputFigures, FromLog>> {
  const sealed = await readAll(log, 'settlements', charges.length);
  const lanes = charges.map((records, partition) => {
    // Stable: a batch stands before what became of it, whatever the clock's grain.
    const all = [...(sealed[partition] ?? []), ...records].sort((a, b) => a.atMs - b.atMs);
    return laneFigures(all, seenMs, config);
  });
  const batches = lanes.flatMap((lane) => lane.batches);
  const ends = batches.flatMap(({ observedMs }) => (observedMs === undefined ? [] : [observedMs]));
  const [firstMs, lastMs] = [Math.min(...ends), Math.max(...ends)];
  const settled = batches.reduce((sum, batch) => sum + batch.charges, 0);
  const first = batches.filter(({ observedMs }) => observedMs === firstMs);
  const after = settled - first.reduce((sum, batch) => sum + batch.charges, 0);
  const gas = charges.flat().reduce((sum, { event }) => sum + gasOf(event), 0);
  return {
    lanes,
    settled,
    stages: stagesOf(lanes),
    steadyPerS: (after * 1_000) / Math.max(1, lastMs - firstMs),
    gasPerAuthorization: gas / settled,
  };
}

function gasOf(event: Timed['event']): number {
  if (event.type !== 'BatchObserved' || event.data.mined.by !== 'attempt') return 0;
  return Number.parseInt(event.data.mined.gasUsed, 10);
}

async function readAll(log: EventLog, topic: TopicName, partitions: number): Promise<Timed[][]> {
  const read = async (partition: number): Promise<Timed[]> => {
    const place = { topic: physicalTopic(topic), partition };
    const timed: Timed[] = [];
    for (let offset = 0; ; ) {
      const some = await log.read(place, offset, 10_000);
      if (some.length === 0) return timed;
      for (const { value, timestampMs } of some) {
        const decoded = decodeEvent(value);
        if (decoded.kind === 'event') timed.push({ event: decoded.event, atMs: timestampMs });
      }
      offset = (some.at(-1)?.offset ?? offset) + 1;
    }
  };
  return Promise.all(Array.from({ length: partitions }, (_, partition) => read(partition)));
}

/** The audit of the bench: the chain holds exactly what the log says, no unit more or less. */
async function assertPaid({ devnet, authorizations }: ThroughputOptions): Promise<void> {
  const chain = openChain({ rpcUrl: devnet.rpcUrl, chainId: devnet.chainId });
  const paid = await chain.balanceOf(devnet.usdc, payTo, 'latest');
  if (paid !== transferAmount * BigInt(authorizations)) {
    throw fail('bench_failed', `the payee has ${paid} after ${authorizations} authorizations`);
  }
}
