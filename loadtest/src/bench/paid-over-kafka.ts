import { setTimeout as delay } from 'node:timers/promises';
import type { LoadFigures } from '../driver/closed-loop.js';
import type { Verdict } from './bench-audit.js';
import { benchPaidCrawls } from './crawls.js';
import { type KafkaPlatform, withKafkaPlatform } from './kafka-platform.js';
import { cpuBetween, cpuOf, type Measured } from './process-cpu.js';

export interface PaidOverKafkaOptions {
  readonly connections: number;
  readonly crawls: number;
  readonly warmUpCrawls: number;
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
  const { result, verdict, isClean } = await withKafkaPlatform(options.note, (platform) =>
    measure(platform, options),
  );
  return { ...result, verdict, isClean };
}

async function measure(
  { run, target, processes }: KafkaPlatform,
  { connections, crawls, warmUpCrawls, note }: PaidOverKafkaOptions,
): Promise<Omit<PaidOverKafka, keyof Verdict>> {
  note('at rest');
  const idle = await atRest(processes);
  note(`over Kafka: paid crawls, ${connections} at once`);
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
  return { figures, cpu, idle };
}

async function atRest(processes: readonly Measured[]): Promise<PaidOverKafka['idle']> {
  const before = cpuOf(processes);
  await delay(idleSeconds * 1000);
  const used = cpuBetween(before, cpuOf(processes));
  return used.map(({ name, us }) => ({ name, share: us / (idleSeconds * 1_000_000) }));
}
