#!/usr/bin/env node
// Creates the topics of infra/kafka/topics where they are missing and compares the others, in the
// generation in force (docs/adr/0007-generations.md): its marker in the registry says how many
// partitions there are; --partitions counts for the first generation alone.
// usage: npm run topics -- [--brokers host:port,…] [--partitions N] [--retention-ms N]
//                          [--replication N] [--check]
// Brokers and partitions come from KAFKA_BROKERS and PARTITIONS if not given, TLS and login from
// KAFKA_TLS, KAFKA_SASL_… (README of service-kit). Exit code 1: a
// topic differs, or is missing with --check; 2: cannot be done.
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readGeneration } from '../../../packages/event-log/dist/generation.js';
import { reconcileTopics } from '../../../packages/event-log/dist/kafka/reconcile-topics.js';
import { openKafkaLog } from '../../../packages/event-log/dist/kafka-log.js';
import { kafkaOptions, logSettingsOf } from '../../../packages/event-log/dist/open-log.js';

const weekMs = 7 * 24 * 60 * 60 * 1000;
const { values } = parseArgs({
  options: {
    brokers: { type: 'string', default: process.env.KAFKA_BROKERS ?? '127.0.0.1:9092' },
    partitions: { type: 'string', default: process.env.PARTITIONS ?? '4' },
    'retention-ms': { type: 'string', default: String(weekMs) },
    replication: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
});

const folder = new URL('../../kafka/topics/', import.meta.url);
const options = {
  ...kafkaOptions(
    // TLS and login as every service has them.
    { ...logSettingsOf(process.env), brokers: values.brokers.split(',') },
    'paycrawl-topics',
  ),
  ...(values.replication && { replicationFactor: Number.parseInt(values.replication, 10) }),
};

async function generationInForce() {
  const log = openKafkaLog(options);
  try {
    return await readGeneration(log);
  } finally {
    await log.close();
  }
}

function planOf(file, { generation, counts }) {
  const { name, partitioning, retention, config } = JSON.parse(
    readFileSync(new URL(file, folder), 'utf8'),
  );
  // The files name the first generation; topics of one partition keep it.
  const topic = name.slice(0, name.lastIndexOf('.'));
  const isOne = partitioning === 'one';
  return {
    name: `${topic}.${isOne ? 1 : generation}`,
    partitions: isOne ? 1 : (counts?.[partitioning] ?? Number.parseInt(values.partitions, 10)),
    retentionMs: retention === 'forever' ? 'forever' : Number.parseInt(values['retention-ms'], 10),
    config,
  };
}

try {
  const inForce = await generationInForce();
  const plans = readdirSync(folder).map((file) => planOf(file, inForce));
  const { created, missing, differences } = await reconcileTopics(options, plans, {
    isCheckOnly: values.check,
  });
  for (const name of created) console.log(`created  ${name}`);
  for (const name of missing) console.log(`missing  ${name}`);
  for (const { topic, setting, planned, found } of differences) {
    console.log(`differs  ${topic}: ${setting} is ${found}, planned ${planned}`);
  }
  if (missing.length + differences.length > 0) process.exitCode = 1;
  else {
    console.log(`${plans.length} topics of generation ${inForce.generation} are as planned`);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
