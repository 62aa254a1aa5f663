import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { isAlive, stopProcess } from './devnet-process.js';
import {
  type Authority,
  type KafkaUsers,
  makeAuthority,
  scramArguments,
  securedProperties,
} from './kafka-security.js';

const run = promisify(execFile);

/** A real Kafka (KRaft) on this machine, without Docker: one node, or three with replication 3. */
export interface KafkaCluster {
  readonly brokers: readonly string[];
  /** Where the second listener of each node is, for proxies in front of it; else empty. */
  readonly proxiedPorts: readonly number[];
  /** The listeners with TLS and login, and the authority that signed their certificates. */
  readonly secured: { readonly brokers: readonly string[]; readonly caFile: string } | undefined;
  /** Of the nodes that were started, for who measures them. */
  pids(): readonly number[];
  /** SIGKILL; the node's data stays. */
  kill(node: number): void;
  /** Starts a node that was killed or stopped, on its old data and ports. */
  start(node: number): Promise<void>;
  stop(): Promise<void>;
}

export interface KafkaOptions {
  /** Data, logs and the record by which the cluster is found again. */
  readonly directory: string;
  readonly nodes: 1 | 3;
  /**
   * Each node gets a second listener that says it is reached at this port, one per node: who
   * begins there, through a proxy, is sent through the proxies everywhere.
   */
  readonly proxyPorts?: readonly number[];
  /** Each node gets a listener with TLS where one of these must log in. */
  readonly securedFor?: KafkaUsers;
}

interface KafkaRecord {
  readonly clusterId: string;
  readonly security?: Authority & { readonly users: KafkaUsers };
  readonly nodes: {
    readonly port: number;
    readonly controllerPort: number /** null: never started. */;
    pid: number | null;
    readonly proxied?: { readonly port: number; readonly advertisedPort: number };
    readonly securedPort?: number;
  }[];
}

const readyTimeoutMs = 60_000;
const pomDirectory = fileURLToPath(new URL('../../../infra/tools/kafka', import.meta.url));
const librariesDirectory = join(pomDirectory, 'libs');

/** Brings the broker from Maven Central, once. */
export async function installKafka(): Promise<void> {
  if (existsSync(join(librariesDirectory, '.complete'))) return;
  const arguments_ = [
    ...['-q', '-B', '-f', join(pomDirectory, 'pom.xml')],
    ...['dependency:copy-dependencies', `-DoutputDirectory=${librariesDirectory}`],
  ];
  await run('mvn', [...arguments_, '-DincludeScope=runtime']).catch((cause: unknown) => {
    throw fail('kafka_failed', 'The broker cannot be installed: Maven and Java are needed.', {
      cause,
    });
  });
  await writeFile(join(librariesDirectory, '.complete'), '');
}

/** Starts the cluster of the directory; a cluster that runs there already is found again. */
export async function startKafka(options: KafkaOptions): Promise<KafkaCluster> {
  const { directory } = options;
  await installKafka();
  await mkdir(directory, { recursive: true });
  const record = (await readRecord(directory)) ?? (await newCluster(options));
  const start = async (node: number): Promise<void> => {
    const entry = nodeOf(record, node);
    if (entry.pid === null || !isAlive(entry.pid)) entry.pid = await launch(directory, node);
    await writeRecord(directory, record);
    await listening(entry.port);
  };
  await Promise.all(record.nodes.map((_, node) => start(node)));
  return {
    brokers: record.nodes.map(({ port }) => `127.0.0.1:${port}`),
    proxiedPorts: record.nodes.flatMap(({ proxied }) => proxied?.port ?? []),
    secured: record.security && {
      brokers: record.nodes.map(({ securedPort }) => `127.0.0.1:${securedPort}`),
      caFile: record.security.caFile,
    },
    pids: () => record.nodes.flatMap(({ pid }) => pid ?? []),
    kill: (node) => {
      const { pid } = nodeOf(record, node);
      if (pid !== null && isAlive(pid)) process.kill(pid, 'SIGKILL');
    },
    start,
    stop: async () => {
      await stopAll(record);
    },
  };
}

/** Stops what runs there and forgets its data. */
export async function wipeKafka(directory: string): Promise<void> {
  const record = await readRecord(directory);
  if (record !== undefined) await stopAll(record);
  await rm(directory, { recursive: true, force: true });
}

async function stopAll({ nodes }: KafkaRecord): Promise<void> {
  await Promise.all(nodes.map(({ pid }) => (pid === null ? undefined : stopProcess(pid))));
}

async function newCluster(options: KafkaOptions): Promise<KafkaRecord> {
  const { directory, nodes, proxyPorts, securedFor: users } = options;
  const ports = await freePorts(nodes * 4);
  const security = users && { ...(await makeAuthority(join(directory, 'tls'))), users };
  const record: KafkaRecord = {
    // Kafka wants 16 bytes in base64url that do not begin with a dash.
    clusterId: `A${randomBytes(16).toString('base64url').slice(1)}`,
    ...(security === undefined ? {} : { security }),
    nodes: Array.from({ length: nodes }, (_, node) => ({
      port: ports[node * 4] as number,
      controllerPort: ports[node * 4 + 1] as number,
      pid: null,
      ...proxiedListener(ports[node * 4 + 2], proxyPorts?.[node]),
      ...(security === undefined ? {} : { securedPort: ports[node * 4 + 3] as number }),
    })),
  };
  for (let node = 0; node < nodes; node++) {
    await writeFile(
      join(directory, `node-${node}.properties`),
      properties(directory, record, node),
    );
    const scram = users === undefined ? [] : scramArguments(users);
    const format = ['kafka.tools.StorageTool', 'format', '-t', record.clusterId, ...scram];
    await java(directory, node, format);
  }
  await writeRecord(directory, record);
  return record;
}

function proxiedListener(
  port: number | undefined,
  advertisedPort: number | undefined,
): Pick<KafkaRecord['nodes'][number], 'proxied'> {
  if (port === undefined || advertisedPort === undefined) return {};
  return { proxied: { port, advertisedPort } };
}

async function java(directory: string, node: number, command: readonly string[]): Promise<void> {
  const config = join(directory, `node-${node}.properties`);
  await run('java', ['-cp', join(librariesDirectory, '*'), ...command, '-c', config]);
}

async function launch(directory: string, node: number): Promise<number> {
  const output = await open(join(directory, `node-${node}.log`), 'a');
  const child = spawn(
    'java',
    [
      // It lives for minutes: the second compiler would take more of a small machine than it gives.
      ...['-Xms256m', '-Xmx512m', '-XX:+UseG1GC', '-XX:TieredStopAtLevel=1'],
      ...['-cp', join(librariesDirectory, '*'), 'kafka.Kafka'],
      join(directory, `node-${node}.properties`),
    ],
    { detached: true, stdio: ['ignore', output.fd, output.fd] },
  );
  child.unref();
  await output.close();
  if (child.pid === undefined) throw fail('kafka_failed', 'Java cannot be started.');
  return child.pid;
}

function properties(directory: string, record: KafkaRecord, node: number): string {
  const { nodes, security } = record;
  const { port, controllerPort, proxied, securedPort } = nodeOf(record, node);
  const further = (name: string, listenerPort?: number) =>
    listenerPort === undefined ? '' : `,${name}://127.0.0.1:${listenerPort}`;
  const secured = further('SECURED', securedPort);
  const replication = nodes.length;
  const voters = nodes.map((entry, id) => `${id + 1}@127.0.0.1:${entry.controllerPort}`);
  return [
    'process.roles=broker,controller',
    `node.id=${node + 1}`,
    `controller.quorum.voters=${voters.join(',')}`,
    `listeners=PLAINTEXT://127.0.0.1:${port}${further('PROXIED', proxied?.port)}${secured},` +
      `CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}` +
      `${further('PROXIED', proxied?.advertisedPort)}${secured}`,
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT' +
      ',SECURED:SASL_SSL',
    ...(security === undefined ? [] : securedProperties(security, security.users)),
    'inter.broker.listener.name=PLAINTEXT',
    'controller.listener.names=CONTROLLER',
    `log.dirs=${join(directory, `data-${node}`)}`,
    `default.replication.factor=${replication}`,
    `offsets.topic.replication.factor=${replication}`,
    `transaction.state.log.replication.factor=${replication}`,
    `min.insync.replicas=${replication === 3 ? 2 : 1}`,
    'unclean.leader.election.enable=false',
    'auto.create.topics.enable=false',
    'offsets.topic.num.partitions=4',
    // A killed node is noticed in 1.5 s instead of 9 s, and groups form at once.
    'broker.session.timeout.ms=1500',
    'broker.heartbeat.interval.ms=300',
    'group.initial.rebalance.delay.ms=0',
    'group.min.session.timeout.ms=1000',
    '',
  ].join('\n');
}

function nodeOf(record: KafkaRecord, node: number): KafkaRecord['nodes'][number] {
  const entry = record.nodes[node];
  if (entry === undefined) throw fail('kafka_failed', `There is no node ${node}.`);
  return entry;
}

async function listening(port: number): Promise<void> {
  const deadlineMs = Date.now() + readyTimeoutMs;
  while (Date.now() < deadlineMs) {
    if (await accepts(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw fail('kafka_failed', 'The broker does not listen in time; see its log.');
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => socket.end(() => resolve(true)));
    socket.once('error', () => resolve(false));
  });
}

/** Held open together, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function readRecord(directory: string): Promise<KafkaRecord | undefined> {
  const path = join(directory, 'cluster.json');
  return existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as KafkaRecord) : undefined;
}

async function writeRecord(directory: string, record: KafkaRecord): Promise<void> {
  await writeFile(join(directory, 'cluster.json'), `${JSON.stringify(record, null, 2)}\n`);
}
