/**
 * The floor under everything that is durable: how many records a second the embedded log takes
 * when many callers append one each and wait for it, and how fast it gives them back.
 */
import type { EventLog, NewRecord } from '@paycrawl/event-log/event-log';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { partitionForKey } from '@paycrawl/event-log/partitioner';

export interface DurableAppendOptions {
  /** An empty folder on the disk that is to be measured. */
  readonly directory: string;
  readonly seconds: number;
  /** Callers that each wait for their record before they append the next; default 512. */
  readonly callers?: number;
}

export interface OfferedAppends {
  readonly ratePerS: number;
  readonly seconds: number;
}

export interface DurableAppendResult {
  readonly recordsPerS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface ReplayOptions {
  readonly directory: string;
  /** How many records are written first; default 200,000. */
  readonly records?: number;
}

export interface ReplayResult {
  readonly recordsPerS: number;
  readonly records: number;
}

const topic = 'bench';
const partitions = 8;
const valueBytes = 800;
const callersDefault = 512;
const replayRecordsDefault = 200_000;

export async function benchDurableAppend(
  options: DurableAppendOptions,
): Promise<DurableAppendResult> {
  const log = await openBenchLog(options.directory);
  const producer = log.producer();
  const latenciesMs: number[] = [];
  const beganMs = performance.now();
  const endMs = beganMs + options.seconds * 1_000;
  const call = async (caller: number) => {
    const record = benchRecord(caller);
    for (let sentMs = beganMs; sentMs < endMs; ) {
      sentMs = performance.now();
      await producer.append([record]);
      latenciesMs.push(performance.now() - sentMs);
    }
  };
  const callers = options.callers ?? callersDefault;
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
  const tookMs = performance.now() - beganMs;
  await log.close();
  return resultOf(latenciesMs, tookMs);
}

/**
 * Records that become due at a constant rate, one an append, in the log of a running platform; their
 * latency counts from when they were due, as that of requests does.
 */
export async function offerAppends(
  log: EventLog,
  { ratePerS, seconds }: OfferedAppends,
): Promise<DurableAppendResult> {
  await log.createTopics([{ name: topic, partitions, retentionMs: 'forever' }]);
  const producer = log.producer();
  const latenciesMs: number[] = [];
  const appends: Promise<void>[] = [];
  const most = Math.floor(ratePerS * seconds);
  const beganMs = performance.now();
  const append = async (n: number): Promise<void> => {
    await producer.append([benchRecord(n)]);
    latenciesMs.push(performance.now() - (beganMs + (n * 1_000) / ratePerS));
  };
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - beganMs) * ratePerS) / 1_000) + 1;
      while (appends.length < Math.min(due, most)) appends.push(append(appends.length));
      if (appends.length < most) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  await Promise.all(appends);
  await producer.close();
  return resultOf(latenciesMs, performance.now() - beganMs);
}

function resultOf(latenciesMs: number[], tookMs: number): DurableAppendResult {
  latenciesMs.sort((a, b) => a - b);
  return {
    recordsPerS: Math.round((latenciesMs.length * 1_000) / tookMs),
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
  };
}

export async function benchReplay(options: ReplayOptions): Promise<ReplayResult> {
  const log = await openBenchLog(options.directory);
  await fill(log, options.records ?? replayRecordsDefault);
  const beganMs = performance.now();
  let records = 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    let offset = 0;
    for (;;) {
      const batch = await log.read({ topic, partition }, offset, 1_000);
      if (batch.length === 0) break;
      records += batch.length;
      offset += batch.length;
    }
  }
  const tookMs = performance.now() - beganMs;
  await log.close();
  return { records, recordsPerS: Math.round((records * 1_000) / tookMs) };
}

async function openBenchLog(directory: string): Promise<EventLog> {
  const log = openLmdbLog({ directory });
  await log.createTopics([{ name: topic, partitions, retentionMs: 'forever' }]);
  return log;
}

function benchRecord(n: number): NewRecord {
  const key = `eip155:84532/0x${n.toString(16).padStart(40, '0')}`;
  const value = Buffer.alloc(valueBytes, 'an event of a paid crawl ');
  return { topic, partition: partitionForKey(key, partitions), key, value };
}

async function fill(log: EventLog, records: number): Promise<void> {
  const producer = log.producer();
  const batchRecords = 1_000;
  for (let from = 0; from < records; from += batchRecords) {
    const length = Math.min(batchRecords, records - from);
    await producer.append(Array.from({ length }, (_, index) => benchRecord(from + index)));
  }
  await producer.close();
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}
