import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKafkaLog } from '@paycrawl/event-log/kafka-log';
import {
  type SeparateServices,
  startSeparateServices,
} from '@paycrawl/standalone/testing/separate-services';
import { startKafka, wipeKafka } from '@paycrawl/testkit/kafka-broker';
import { proveBooks } from './bench-audit.js';
import { type Audited, type PricedPage, pricedPath } from './bench-platform.js';
import { addBenchPublisher } from './bench-publisher.js';
import type { Measured } from './process-cpu.js';

/** Every service as a process of its own over a broker, one of each, on this machine. */
export interface KafkaPlatform extends PricedPage {
  /** The services, the broker, and this process: origin and load. */
  readonly processes: readonly Measured[];
}

/** Work on a platform of its own over Kafka, the audit of it, and the end of both. */
export async function withKafkaPlatform<Result>(
  note: (what: string) => void,
  work: (platform: KafkaPlatform) => Promise<Result>,
): Promise<Audited<Result>> {
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-bench-kafka-'));
  let services: SeparateServices | undefined;
  try {
    note('broker and services');
    const { brokers, pids } = await startKafka({ directory, nodes: 1 });
    services = await startSeparateServices({
      brokers,
      // As the embedded platform on one machine has them.
      partitions: 2,
      environment: { LOG_LEVEL: 'warn', SETTLEMENT_BATCHES_IN_FLIGHT_MAX: '4' },
    });
    const run = await services.run();
    const { host, origin, close } = await addBenchPublisher(run, services.log);
    const processes: Measured[] = [
      ...services.fleet.members().map(({ service, pid }) => ({ name: service, pid })),
      ...pids().map((pid) => ({ name: 'broker', pid })),
      { name: 'origin and load', pid: process.pid },
    ];
    const openLog = () => openKafkaLog({ brokers, clientId: 'paycrawl-bench' });
    const target = { ingress: run.ingress, host, path: pricedPath };
    const page: KafkaPlatform = { run, target, origin, openLog, processes };
    const result = await work(page).finally(() => close());
    note('audit');
    return { result, ...(await proveBooks(openLog, join(services.directory, 'run.json'))) };
  } finally {
    await services?.remove();
    await wipeKafka(directory);
  }
}
