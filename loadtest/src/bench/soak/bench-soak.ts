import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKafkaLog } from '@paycrawl/event-log/kafka-log';
import type { RunFile } from '@paycrawl/standalone/run-file';
import { startSeparateServices } from '@paycrawl/standalone/testing/separate-services';
import { startKafka, wipeKafka } from '@paycrawl/testkit/kafka-broker';
import type { OpenLoopFigures } from '../../driver/open-loop.js';
import { fundPayers } from '../../k6/load-target.js';
import { derivePayers } from '../../payload/payers.js';
import { proveBooks, type Verdict } from '../bench-audit.js';
import { pricedPath, withBenchPlatform } from '../bench-platform.js';
import { addBenchPublisher } from '../bench-publisher.js';
import { benchFirstProofs, type Target } from '../crawls.js';
import { cpuBetween, cpuOf } from '../process-cpu.js';
import { type Series, type Watched, watchMemory } from './memory-looks.js';
import { paidLoad, type SoakRates, unpaidLoad } from './soak-load.js';
import { median, slopePerMinute } from './trend.js';

export interface SoakOptions extends SoakRates {
  readonly isOverKafka: boolean;
  note(what: string): void;
}

export interface SoakFigures extends Verdict {
  readonly rates: SoakRates;
  readonly series: readonly Trend[];
  /** Growth of what is bounded, in a minute, beside its median. */
  readonly boundPerMinute: number;
  readonly isFlat: boolean;
  readonly paid: OpenLoopFigures;
  readonly unpaid: OpenLoopFigures;
  /** Of one core, while the load ran. */
  readonly cpu: readonly { readonly name: string; readonly share: number }[];
}

export interface Trend extends Series {
  /** Over the last two thirds. */
  readonly medianMiB: number;
  readonly slopeMiBPerMinute: number;
}

type Measured = Omit<SoakFigures, keyof Verdict>;

const payers = { seed: 'soak', count: 1_000 };
const lookEveryMs = 10_000;
const looksLeast = 30;
/** By then what is remembered for a time (a nonce: a quarter of an hour) has its size. */
const longMinutes = 20;
const boundOfLong = 0.01;
/** Caches still fill: a short run shows no more than that nothing explodes. */
const boundOfShort = 0.5;

/** A load that can go on for ever, and what it does to the memory of each process. */
export async function benchSoak(options: SoakOptions): Promise<SoakFigures> {
  if (options.isOverKafka) return soakOverKafka(options);
  const { result, ...verdict } = await withBenchPlatform(
    ({ run, pid, target }) =>
      soak(run, target, options, [
        {
          ...{ name: 'platform', pid, isOurs: true },
          heaps: [
            { name: 'edge', metricsUrl: `${run.facilitator}/metrics` },
            { name: 'back office', metricsUrl: `${run.api}/metrics` },
          ],
        },
      ]),
    // What is sold for long must be settled as fast as it is sold.
    { settlesAtOnce: true, blockTimeS: 3 },
  );
  return { ...result, ...verdict };
}

async function soakOverKafka(options: SoakOptions): Promise<SoakFigures> {
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-bench-kafka-'));
  let remove = async (): Promise<void> => {};
  try {
    options.note('broker and services');
    const kafka = await startKafka({ directory, nodes: 1 });
    const environment = { LOG_LEVEL: 'warn', SETTLEMENT_BATCHES_IN_FLIGHT_MAX: '4' };
    const platform = await startSeparateServices({
      ...{ brokers: kafka.brokers, partitions: 2, environment },
    });
    remove = platform.remove;
    const run = await platform.run();
    const publisher = await addBenchPublisher(run, platform.log);
    const target = { ingress: run.ingress, host: publisher.host, path: pricedPath };
    const services: Watched[] = platform.fleet.members().map(({ service, pid, operations }) => ({
      ...{ name: service, pid, isOurs: true },
      heaps: [{ name: service, metricsUrl: `${operations}/metrics` }],
    }));
    const brokers = kafka.pids().map((pid) => ({ name: 'broker', pid, isOurs: false, heaps: [] }));
    const result = await soak(run, target, options, [...services, ...brokers]);
    options.note('audit');
    const openLog = () => openKafkaLog({ brokers: kafka.brokers, clientId: 'paycrawl-audit' });
    const verdict = await proveBooks(openLog, join(platform.directory, 'run.json'));
    await publisher.close();
    return { ...result, ...verdict };
  } finally {
    await remove();
    await wipeKafka(directory);
  }
}

async function soak(
  run: RunFile,
  target: Target,
  { paidPerS, unpaidPerS, minutes, note }: SoakOptions,
  processes: readonly Watched[],
): Promise<Measured> {
  const rates = { paidPerS, unpaidPerS, minutes };
  note(`${payers.count} payers`);
  await fundPayers({ devnetRpc: run.chain.rpc, payers });
  const known = derivePayers(payers);
  await benchFirstProofs(target, known, 64);
  note(`${paidPerS} paid crawls and ${unpaidPerS} challenges a second for ${minutes} minutes`);
  const itself = { name: 'load and origin', pid: process.pid, isOurs: false, heaps: [] };
  const watched = [...processes, itself];
  const before = cpuOf(watched);
  const intervalMs = Math.min(lookEveryMs, (minutes * 60_000) / looksLeast);
  const [paid, unpaid, series] = await Promise.all([
    paidLoad(target, known, rates),
    unpaidLoad(target, rates),
    watchMemory(watched, { minutes, intervalMs }),
  ]);
  const used = cpuBetween(before, cpuOf(watched));
  const trends = series.map(trendOf);
  const boundPerMinute = minutes >= longMinutes ? boundOfLong : boundOfShort;
  return {
    ...{ rates, paid, unpaid, boundPerMinute, series: trends },
    isFlat: trends.every((trend) => !trend.isBounded || isWithin(trend, boundPerMinute)),
    cpu: used.map(({ name, us }) => ({ name, share: us / (minutes * 60_000_000) })),
  };
}

/** The first third is for what fills once. */
function trendOf(series: Series): Trend {
  const end = series.looks.at(-1)?.[0] ?? 0;
  const later = series.looks.filter(([minutes]) => minutes >= end / 3);
  return {
    ...series,
    medianMiB: median(later.map(([, value]) => value)),
    slopeMiBPerMinute: slopePerMinute(later),
  };
}

export function isWithin({ medianMiB, slopeMiBPerMinute }: Trend, boundPerMinute: number): boolean {
  return slopeMiBPerMinute <= medianMiB * boundPerMinute;
}
