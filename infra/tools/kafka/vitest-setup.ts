import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startKafka, wipeKafka } from '../../../packages/testkit/src/kafka-broker.js';

declare module 'vitest' {
  interface ProvidedContext {
    kafkaBrokers: readonly string[];
  }
}

/** The broker of `npm run test:kafka`: that of KAFKA_BROKERS, or one that lives as long as this. */
export default async function setUp({ provide }: TestProject) {
  const given = process.env.KAFKA_BROKERS;
  if (given !== undefined && given !== '') {
    provide('kafkaBrokers', given.split(','));
    return undefined;
  }
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-kafka-'));
  const { brokers } = await startKafka({ directory, nodes: 1 });
  provide('kafkaBrokers', brokers);
  return () => wipeKafka(directory);
}
