import { signerAddress } from '@paycrawl/chain/transaction';
import type { LogRecord } from '@paycrawl/event-log/event-log';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import type { Wakeups } from '@paycrawl/event-log/wakeups';
import { type AnyEvent, decodeEvent } from '@paycrawl/events/event';
import { payerId } from '@paycrawl/events/ids';
import { topicConfigs } from '@paycrawl/events/topics';
import type { Signer } from '@paycrawl/settlement/batches/driver-context';
import type { Hex } from 'viem';
import { type Broker, createBroker } from './broker.js';
import { type ChainModel, createChainModel } from './chain-model.js';
import { chainId } from './chain-port.js';
import { createDisks, type Disks } from './disks.js';
import { createGroups, type Groups } from './groups.js';
import type { Planted } from './planted.js';
import { createRandom, type Random } from './random.js';
import { createLife, createTimeline, type Life, type Timeline } from './timeline.js';
import { createWarehouseModel, type WarehouseModel } from './warehouse-model.js';
import { createWeather, drawFaults, type Faults, type Weather } from './weather.js';

export const network = `eip155:${chainId}`;
export const asset = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
export const payTo = `0x${'cb'.repeat(20)}`;
export const startMs = 1_800_000_000_000;

/** What a history is made of, drawn before it begins. */
export interface Plan {
  readonly partitions: number;
  readonly payers: readonly string[];
  /** Processes of each service at once. */
  readonly instances: number;
  readonly crawls: number;
  readonly activeMs: number;
  readonly depth: number;
  readonly blockTimeMs: number;
  readonly marginS: number;
  readonly batchChargesMax: number;
  readonly batchesInFlightMax: number;
  readonly checkpointIntervalMs: number;
  readonly snapshotIntervalMs: number;
  /** The whole system stands still for long, once: memories end meanwhile. */
  readonly hasLongPause: boolean;
  readonly hasAllProjections: boolean;
  /** Goes on until even memories of what ended are over. */
  readonly isRemembered: boolean;
  readonly isLogTimeMonotonic: boolean;
  readonly faults: Faults;
}

/** What the checks found wrong, in words of the audit or of the simulator's own. */
export interface Found {
  readonly check: string;
  readonly id: string;
  readonly detail: string;
}

export interface World {
  readonly seed: number;
  readonly plan: Plan;
  readonly random: Random;
  /** Draws of the ports of all processes. */
  readonly ports: Random;
  readonly timeline: Timeline;
  readonly weather: Weather;
  readonly broker: Broker;
  readonly groups: Groups;
  readonly disks: Disks;
  readonly chain: ChainModel;
  readonly warehouse: WarehouseModel;
  readonly wakeups: WakeupBus;
  readonly planted: Planted;
  readonly findings: Found[];
  readonly journal: JournalLine[];
  readonly signers: readonly Signer[];
  /** Numbers for names of processes and requests. */
  /** What writers repeat after the long pause. */
  readonly late: (() => void)[];
  readonly names: { next(): number };
  note(text: JournalLine['text']): void;
  find(check: string, id: string, detail: string): void;
}

export interface JournalLine {
  readonly atMs: number;
  /** Rendered only when somebody reads it. */
  readonly text: string | (() => string);
}

/** Best-effort news between processes: late, or never. */
export interface WakeupBus extends Wakeups {
  listen(ingressId: string, life: Life, onEvents: (events: readonly AnyEvent[]) => void): void;
}

export function drawPlan(random: Random): Plan {
  const payers = Array.from({ length: random.between(1, 3) }, (_, n) =>
    payerId(network, `0x${(n + 1).toString(16).padStart(40, '0')}`),
  );
  return {
    payers,
    partitions: random.chance(0.75) ? 1 : 2,
    instances: random.chance(0.5) ? 1 : 2,
    crawls: random.between(2, 14),
    activeMs: random.between(8, 40) * 1_000,
    depth: random.between(2, 4),
    blockTimeMs: random.pick([1_000, 2_000, 3_000]),
    marginS: random.pick([10, 20, 30]),
    batchChargesMax: random.pick([1, 2, 3, 100]),
    batchesInFlightMax: random.pick([1, 2, 4, 32]),
    checkpointIntervalMs: random.pick([200, 700, 3_000]),
    snapshotIntervalMs: random.pick([2_000, 6_000, 1_000_000]),
    hasLongPause: random.chance(0.3),
    hasAllProjections: random.chance(0.1),
    isLogTimeMonotonic: random.chance(0.6),
    faults: drawFaults(random),
    isRemembered: random.chance(0.25),
  };
}

export function createWorld(seed: number, planted: Planted): World {
  const random = createRandom(seed);
  const plan = drawPlan(random.fork('plan'));
  const timeline = createTimeline(startMs, createLife('world'));
  const weather = createWeather(plan.faults, random.fork('weather'));
  const journal: JournalLine[] = [];
  const findings: Found[] = [];
  const note: World['note'] = (text) => void journal.push({ atMs: timeline.nowMs, text });
  const broker = createBroker(
    () => timeline.nowMs,
    (record) => note(() => lineOf(record)),
    plan.isLogTimeMonotonic,
  );
  broker.createTopics(topicConfigs({ payer: plan.partitions, publisher: 1 }, 1_000_000_000));
  const chain = createChainModel(String(seed), Math.floor(startMs / 1000));
  const groups = createGroups({ timeline, weather, broker, random: random.fork('groups'), note });
  return {
    ...{ seed, plan, random, timeline, weather, broker, groups, chain, planted },
    late: [],
    ...{ journal, findings, note, ports: random.fork('ports') },
    signers: signersOf(plan.partitions),
    names: counter(),
    disks: createDisks(timeline, weather, random.fork('disks')),
    warehouse: createWarehouseModel(),
    wakeups: createWakeupBus(timeline, weather),
    find(check, id, detail) {
      note(`!! ${check} ${id}: ${detail}`);
      findings.push({ check, id, detail });
    },
  };
}

function counter(): { next(): number } {
  let count = 0;
  return { next: () => ++count };
}

export function partitionOf({ plan }: World, payer: string): number {
  return partitionForKey(payer, plan.partitions);
}

const signerKeys = [1, 2].map((n): Signer => {
  const privateKey: Hex = `0x${n.toString(16).padStart(64, '0')}`;
  return { privateKey, address: signerAddress(privateKey) };
});

function signersOf(partitions: number): readonly Signer[] {
  return signerKeys.slice(0, partitions);
}

/** One line for people: where it stands, what it is, and of whom it speaks. */
export function lineOf({ topic, partition, offset, value }: LogRecord): string {
  const place = `${topic}/${partition}/${offset}`;
  const decoded = decodeEvent(value);
  if (decoded.kind !== 'event') return `${place} (${value.length} bytes)`;
  const { type, data, cause, source } = decoded.event;
  const known = data as Record<string, unknown>;
  const names = ['chargeId', 'requestId', 'leaseId', 'batchId', 'attempt', 'reason', 'code'];
  const facts = [...names, 'outcome', 'blockNumber', 'balance', 'moment', 'nonce']
    .filter((name) => known[name] !== undefined && typeof known[name] !== 'object')
    .map((name) => `${name}=${String(known[name]).slice(0, 14)}`);
  const because = cause === undefined ? `by ${source}` : `<- ${cause.join('/')}`;
  return `${place} ${type} ${facts.join(' ')} ${because}`;
}

function createWakeupBus(timeline: Timeline, weather: Weather): WakeupBus {
  const listeners = new Map<string, { life: Life; onEvents: Listener }>();
  return {
    publish(ingressId, events) {
      if (timeline.running.isDead || weather.happens('wakeup_lost')) return;
      const listener = listeners.get(ingressId);
      if (listener === undefined) return;
      const { life, onEvents } = listener;
      timeline.after(weather.delayMs('network'), life, () => onEvents(events));
    },
    listen: (ingressId, life, onEvents) => void listeners.set(ingressId, { life, onEvents }),
    subscribe: () => () => {},
  };
}

type Listener = (events: readonly AnyEvent[]) => void;
