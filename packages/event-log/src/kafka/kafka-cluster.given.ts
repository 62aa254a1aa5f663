import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type KafkaCluster, startKafka, wipeKafka } from '@paycrawl/testkit/kafka-broker';
import { startTcpProxy, type TcpProxy } from '@paycrawl/testkit/tcp-proxy';
import { inject } from 'vitest';
import type { EventLog, LogRecord, NewRecord, TopicPartition } from '../event-log.js';
import { openKafkaLog } from '../kafka-log.js';
import type { KafkaLogOptions } from './settings.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The broker of the run; from infra/tools/kafka/vitest-setup.ts. */
    kafkaBrokers: readonly string[];
  }
}

/** One broker that a test may kill, with a proxy in front of its second listener. */
export interface BreakableKafka {
  readonly kafka: KafkaCluster;
  readonly proxy: TcpProxy;
  /** Straight to the broker. */
  open(options?: Partial<KafkaLogOptions>): EventLog;
  /** Through the proxy, for everything. */
  openProxied(options?: Partial<KafkaLogOptions>): EventLog;
  wipe(): Promise<void>;
}

export async function startBreakableKafka(): Promise<BreakableKafka> {
  const directory = await mkdtemp(path.join(tmpdir(), 'paycrawl-kafka-'));
  const proxy = await startTcpProxy(1);
  const kafka = await startKafka({ directory, nodes: 1, proxyPorts: [proxy.port] });
  proxy.aim(kafka.proxiedPorts[0] ?? 0);
  return {
    kafka,
    proxy,
    open: (options) => openKafkaLog({ brokers: kafka.brokers, clientId: 'direct', ...options }),
    openProxied: (options) =>
      openKafkaLog({ brokers: [`127.0.0.1:${proxy.port}`], clientId: 'proxied', ...options }),
    async wipe() {
      await proxy.close();
      await wipeKafka(directory);
    },
  };
}

export function openSharedKafka(options: Partial<KafkaLogOptions> = {}): EventLog {
  return openKafkaLog({ brokers: inject('kafkaBrokers'), clientId: 'test', ...options });
}

let topicsMade = 0;

export async function newTopic(log: EventLog, partitions = 1): Promise<string> {
  topicsMade += 1;
  const name = `kafka-${process.pid}-${Date.now()}-${topicsMade}`;
  await log.createTopics([{ name, partitions, retentionMs: 'forever' }]);
  return name;
}

export function record(topic: string, partition: number, key: string): NewRecord {
  return { topic, partition, key, value: Buffer.from(key) };
}

export async function readAll(log: EventLog, place: TopicPartition): Promise<LogRecord[]> {
  const { next } = await log.offsets(place);
  const records: LogRecord[] = [];
  while ((records.at(-1)?.offset ?? -1) + 1 < next) {
    records.push(...(await log.read(place, (records.at(-1)?.offset ?? -1) + 1, 1_000)));
  }
  return records;
}

export function keysOf(records: readonly LogRecord[]): string[] {
  return records.map(({ key }) => key);
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
