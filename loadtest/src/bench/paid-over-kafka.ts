import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openKafkaLog } from '@paycrawl/event-log/kafka-log';
import {
  type SeparateServices,
  startSeparateServices,
} from '@paycrawl/standalone/testing/separate-services';
import { type KafkaCluster, startKafka, wipeKafka } from '@paycrawl/testkit/kafka-broker';
import type { LoadFigures } from '../driver/closed-loop.js';
import { proveBooks, type Verdict } from './bench-audit.js';
import { addBenchPublisher } from './bench-publisher.js';
import { benchPaidCrawls } from './crawls.js';
import { cpuBetween, cpuOf, type Measured } from './process-cpu.js';

export interface PaidOverKafkaOptions {
  readonly connections: number;
  readonly crawls: number;
  readonly warmUpCrawls: number;
  readonly path: string;
  note(what: string): void;
}

export interface PaidOverKafka extends Verdict {
  readonly figures: LoadFigures;
  /** Of each process while the load ran, for one crawl. */
  readonly cpu: readonly { readonly name: string; readonly us: number }[];
  /** Of each process while nobody crawled, as a share of one core. */
  readonly idle: readonly { readonly name: string; readonly share: number }[];
}

const idleSeconds = 10;

/**
 * Paid crawls where every service is a process of its own over a real broker, one instance of each,
 * all of them, the devnet, the origin and the load on this machine. The books are proved afterwards.
 */
export async function benchPaidOverKafka(options: PaidOverKafkaOptions): Promise<PaidOverKafka> {
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-bench-kafka-'));
  let platform: SeparateServices | undefined;
  try {
    options.note('broker and services');
    const kafka = await startKafka({ directory, nodes: 1 });
    platform = await startSeparateServices({
      brokers: kafka.brokers,
      // As the embedded platform on one machine has them.
      partitions: 2,
      environment: { LOG_LEVEL: 'warn', SETTLEMENT_BATCHES_IN_FLIGHT_MAX: '4' },
    });
    return await measure(platform, kafka, options);
  } finally {
    await platform?.remove();
    await wipeKafka(directory);
  }
}

async function measure(
  platform: SeparateServices,
  kafka: KafkaCluster,
  { connections, crawls, warmUpCrawls, path, note }: PaidOverKafkaOptions,
): Promise<PaidOverKafka> {
  const run = await platform.run();
  const publisher = await addBenchPublisher(run, platform.log);
  const processes: Measured[] = [
    ...platform.fleet.members().map(({ service, pid }) => ({ name: service, pid })),
    ...kafka.pids().map((pid) => ({ name: 'broker', pid })),
    { name: 'origin and load', pid: process.pid },
  ];
  note('at rest');
  const idle = await atRest(processes);
  note(`over Kafka: paid crawls, ${connections} at once`);
  const target = { ingress: run.ingress, host: publisher.host, path };
  const load = { connections, crawls, warmUpCrawls, payers: run.wallets };
  let before = cpuOf(processes);
  let after = before;
  const figures = await benchPaidCrawls(target, load, {
    onMeasuring: () => {
      before = cpuOf(processes);
    },
    onMeasured: () => {
      after = cpuOf(processes);
    },
  });
  // On a slow machine the time is over before all were asked for.
  const asked = Math.max(1, figures.requests);
  const cpu = cpuBetween(before, after).map(({ name, us }) => ({ name, us: us / asked }));
  note('audit');
  const openLog = () => openKafkaLog({ brokers: kafka.brokers, clientId: 'paycrawl-audit' });
  const audit = await proveBooks(openLog, join(platform.directory, 'run.json'));
  await publisher.close();
  return { figures, cpu, idle, ...audit };
}

async function atRest(processes: readonly Measured[]): Promise<PaidOverKafka['idle']> {
  const before = cpuOf(processes);
  await delay(idleSeconds * 1000);
  const used = cpuBetween(before, cpuOf(processes));
  return used.map(({ name, us }) => ({ name, share: us / (idleSeconds * 1_000_000) }));
}
