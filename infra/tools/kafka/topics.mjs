#!/usr/bin/env node
// Creates the topics of infra/kafka/topics where they are missing and compares the others.
// usage: npm run topics -- [--brokers host:port,…] [--partitions N] [--retention-ms N]
//                          [--replication N] [--check]
// Brokers and partitions come from KAFKA_BROKERS and PARTITIONS if not given, TLS and login from
// KAFKA_TLS, KAFKA_SASL_… (README of service-kit). Exit code 1: a
// topic differs, or is missing with --check; 2: cannot be done.
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { reconcileTopics } from '../../../packages/event-log/dist/kafka/reconcile-topics.js';
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
const plans = readdirSync(folder).map((file) => {
  const { name, partitioning, retention, config } = JSON.parse(
    readFileSync(new URL(file, folder), 'utf8'),
  );
  return {
    name,
    partitions: partitioning === 'one' ? 1 : Number.parseInt(values.partitions, 10),
    retentionMs: retention === 'forever' ? 'forever' : Number.parseInt(values['retention-ms'], 10),
    config,
  };
});

try {
  const { created, missing, differences } = await reconcileTopics(
    {
      ...kafkaOptions(
        // TLS and login as every service has them.
        { ...logSettingsOf(process.env), brokers: values.brokers.split(',') },
        'paycrawl-topics',
      ),
      ...(values.replication && { replicationFactor: Number.parseInt(values.replication, 10) }),
    },
    plans,
    { isCheckOnly: values.check },
  );
  for (const name of created) console.log(`created  ${name}`);
  for (const name of missing) console.log(`missing  ${name}`);
  for (const { topic, setting, planned, found } of differences) {
    console.log(`differs  ${topic}: ${setting} is ${found}, planned ${planned}`);
  }
  if (missing.length + differences.length > 0) process.exitCode = 1;
  else console.log(`${plans.length} topics are as planned`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
