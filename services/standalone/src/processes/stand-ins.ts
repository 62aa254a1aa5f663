import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startClickHouseServer } from '@paycrawl/testkit/clickhouse-server';
import { findDevnet, startDevnet } from '@paycrawl/testkit/devnet';
import { type KafkaCluster, startKafka } from '@paycrawl/testkit/kafka-broker';
import { type Balancer, startBalancer } from './balancer.js';
import { readBalancerConfig } from './balancer-config.js';
import type { ComposeService } from './compose-file.js';
import type { Started } from './graph.js';
import { portOf, type Surroundings, volumePath } from './surroundings.js';

/** Ports of the file's third-party containers, by which services know them. */
const kafkaPort = 9092;
const clickhousePort = 8123;
const devnetPort = 8545;

export interface StandIn {
  readonly said: string;
  start(): Promise<Started>;
}

export interface StandInOptions {
  readonly surroundings: Surroundings;
  readonly brokers: 1 | 3;
  readonly balancerFile: string;
}

/** What runs here instead of a container that is not ours; undefined: nothing does. */
export function standInFor(
  service: ComposeService,
  options: StandInOptions,
  kafka: () => Promise<KafkaCluster>,
): (() => Promise<Started>) | undefined {
  if (service.image.startsWith('apache/kafka:')) {
    return () => startBroker(service, options.surroundings, kafka);
  }
  if (service.image.startsWith('clickhouse/')) return () => startClickHouse(options.surroundings);
  if (service.image.startsWith('haproxy:')) return () => startBalancers(service, options);
  if (isDevnet(service)) return () => startChain(service, options.surroundings);
  return undefined;
}

export function isDevnet({ command }: ComposeService): boolean {
  return command[0] === 'node_modules/.bin/anvil';
}

/** All brokers of the file are one cluster here; the last of them to be closed stops it. */
export function kafkaOnce({ directory }: Surroundings, nodes: 1 | 3): () => Promise<KafkaCluster> {
  let cluster: Promise<KafkaCluster> | undefined;
  return () => {
    cluster ??= startKafka({ directory: join(directory, 'kafka'), nodes });
    return cluster;
  };
}

async function startBroker(
  { name }: ComposeService,
  { addresses }: Surroundings,
  kafka: () => Promise<KafkaCluster>,
): Promise<Started> {
  const { brokers, stop } = await kafka();
  const index = Number.parseInt(name.replace(/\D/g, ''), 10) - 1;
  const broker = brokers[index % brokers.length] ?? '';
  addresses.set(`${name}:${kafkaPort}`, broker);
  return {
    said: `Kafka of this machine at ${broker}`,
    close: async () => {
      if (index === 0) await stop();
    },
  };
}

async function startClickHouse({ addresses, directory }: Surroundings): Promise<Started> {
  // The server proper knows the hash alone; this one compares the password itself.
  const password = await readFile(
    join(volumePath(directory, 'secrets-analytics'), 'clickhouse-password'),
    'utf8',
  );
  const server = await startClickHouseServer({
    directory: volumePath(directory, 'clickhouse'),
    username: 'paycrawl',
    password: password.trim(),
  });
  addresses.set(`clickhouse:${clickhousePort}`, `127.0.0.1:${server.port}`);
  return { said: `chdb behind ClickHouse's HTTP interface at ${server.url}`, close: server.close };
}

/** It stays when the rest ends: its chain would be gone, and the log knows it. */
async function startChain(service: ComposeService, surroundings: Surroundings): Promise<Started> {
  const port = service.published[0]?.host ?? 0;
  const directory = join(surroundings.directory, 'devnet');
  const { rpcUrl, port: found } = await startDevnet({ directory, port });
  surroundings.addresses.set(`${service.name}:${devnetPort}`, `127.0.0.1:${found}`);
  return { said: `devnet at ${rpcUrl}; it stays up`, close: async () => undefined };
}

export async function endDevnet(directory: string): Promise<void> {
  const search = await findDevnet(join(directory, 'devnet'));
  if (search.outcome === 'found') await search.devnet.stop();
}

async function startBalancers(
  service: ComposeService,
  { surroundings, balancerFile }: StandInOptions,
): Promise<Started> {
  const frontends = readBalancerConfig(await readFile(balancerFile, 'utf8'));
  const balancers: Balancer[] = [];
  for (const { port, servers } of frontends) {
    const host = service.published.find(({ container }) => container === port)?.host ?? 0;
    const targets = servers.map((server) => ({
      port: portOf(surroundings, server.host, server.port),
      readyUrl: `http://127.0.0.1:${portOf(surroundings, server.host, server.checkPort)}/readyz`,
    }));
    const balancer = await startBalancer(host, targets);
    surroundings.addresses.set(`${service.name}:${port}`, `127.0.0.1:${balancer.port}`);
    balancers.push(balancer);
  }
  return {
    said: 'a balancer of connections',
    close: async () => {
      await Promise.all(balancers.map((balancer) => balancer.close()));
    },
  };
}
