import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '@paycrawl/service-kit/config';
import { openDataDir } from '@paycrawl/service-kit/data-dir';
import type { Lifecycle } from '@paycrawl/service-kit/lifecycle';
import { usdcAddress } from '@paycrawl/testkit/devnet-contracts';
import { wipeKafka } from '@paycrawl/testkit/kafka-broker';
import { demoPublisherId } from '../demo-publisher.js';
import { readOperatorSecrets } from '../deploy/secrets.js';
import { readPeople } from '../devnet-setup.js';
import { niceOf } from '../priority.js';
import { type RunFile, removeRunFile } from '../run-file.js';
import { type ComposeFile, type ComposeService, readComposeFile } from './compose-file.js';
import { type Node, type Progress, startGraph } from './graph.js';
import { endLeftovers, pidDirectoryOf } from './leftovers.js';
import { runJobProcess, runServiceProcess } from './service-node.js';
import { endDevnet, isDevnet, kafkaOnce, standInFor } from './stand-ins.js';
import {
  assignPorts,
  environmentOf,
  healthUrl,
  makeRoot,
  type Surroundings,
  volumePath,
} from './surroundings.js';

export interface ProcessesOptions {
  readonly dataDir: string;
  readonly runFile: string;
  readonly brokers: 1 | 3;
  readonly fresh: boolean;
  /** Variables of the file; ports that are not set are any free ones. */
  readonly environment: Environment;
  readonly lifecycle: Lifecycle;
  readonly progress: Progress;
  say(line: string): void;
}

/** Where the file and everything that it names is: the root of the repository, `/app` there. */
export const repositoryRoot = fileURLToPath(new URL('../../../..', import.meta.url));

export interface StartedProcesses {
  readonly run: RunFile;
  /** What commands of the repository need to work on this log. */
  readonly logEnvironment: Readonly<Record<'EVENT_LOG' | 'KAFKA_BROKERS', string>>;
}

/** Starts what docker-compose.yml describes, each service as a process of its own. */
export async function startProcesses(options: ProcessesOptions): Promise<StartedProcesses> {
  const { dataDir, lifecycle, environment, progress, say } = options;
  const held = openDataDir(dataDir);
  lifecycle.onClose('data folder', held.release);
  // Left by a start that was killed: nobody is to find it before this one is ready.
  await removeRunFile(options.runFile);
  await endLeftovers(pidDirectoryOf(dataDir));
  if (options.fresh) await wipe(dataDir);
  const file = readComposeFile(
    await readFile(join(repositoryRoot, 'docker-compose.yml'), 'utf8'),
    (name) => environment[name] ?? (name.endsWith('_PORT') ? '0' : undefined),
  );
  const { nodes, surroundings, absent } = await plan(file, options);
  if (absent.length > 0) say(`  not started, containers only: ${absent.join(', ')}`);
  const graph = startGraph(nodes, progress);
  lifecycle.onClose('processes', graph.close);
  await graph.ready;
  const brokers = [...surroundings.addresses].filter(([place]) => place.startsWith('kafka-'));
  const addresses = new Set(brokers.map(([, address]) => address));
  return {
    run: await runFile(surroundings),
    logEnvironment: { EVENT_LOG: 'kafka', KAFKA_BROKERS: [...addresses].join(',') },
  };
}

async function wipe(dataDir: string): Promise<void> {
  await endDevnet(dataDir);
  await wipeKafka(join(dataDir, 'kafka'));
  const folders = ['roots', 'volumes', 'logs'];
  await Promise.all(
    folders.map((name) => rm(join(dataDir, name), { recursive: true, force: true })),
  );
}

interface Plan {
  readonly nodes: readonly Node[];
  readonly surroundings: Surroundings;
  readonly absent: readonly string[];
}

async function plan(file: ComposeFile, options: ProcessesOptions): Promise<Plan> {
  const { dataDir: directory, brokers } = options;
  const services = file.services.filter(({ profiles }) => profiles.length === 0);
  const addresses = new Map<string, string>();
  const ours = services.filter((service) => service.isOurs && !isDevnet(service));
  await assignPorts(addresses, ours);
  const absent = new Set<string>();
  const surroundings: Surroundings = { addresses, absent, directory };
  const balancerFile = join(repositoryRoot, 'infra/deploy/balancer.cfg');
  const kafka = kafkaOnce(surroundings, brokers);
  const nodes: Node[] = [];
  for (const service of services) {
    const { name } = service;
    const after = service.dependsOn.map((dependency) => dependency.service);
    const standIn = standInFor(service, { surroundings, brokers, balancerFile }, kafka);
    if (standIn !== undefined) nodes.push({ name, after, start: standIn });
    else if (!service.isOurs) absent.add(name);
    else {
      const start = (signal: AbortSignal) => startOwn(service, surroundings, options, signal);
      nodes.push({ name, after, start });
    }
  }
  return { nodes, surroundings, absent: [...absent] };
}

/** Its surroundings are looked at when its turn comes: by then all that it names has an address. */
async function startOwn(
  service: ComposeService,
  surroundings: Surroundings,
  { dataDir, say }: ProcessesOptions,
  signal: AbortSignal,
) {
  const { name } = service;
  const logs = join(dataDir, 'logs');
  await mkdir(logs, { recursive: true, mode: 0o700 });
  const root = await makeRoot(surroundings, service);
  const start = {
    plan: {
      ...{ name, command: service.command, stopGraceMs: service.stopGraceMs },
      environment: environmentOf(surroundings, service, root),
      workingDirectory: repositoryRoot,
      logFile: join(logs, `${name}.log`),
      isDetached: true,
      pidDirectory: pidDirectoryOf(dataDir),
      nice: niceOf(name),
    },
    readyUrl: healthUrl(surroundings, service),
    ...{ service, signal, say },
  };
  return start.readyUrl === undefined ? runJobProcess(start) : runServiceProcess(start);
}

async function runFile({ addresses, directory }: Surroundings): Promise<RunFile> {
  const secrets = (service: string) => volumePath(directory, `secrets-${service}`);
  const at = (place: string) => `http://${addresses.get(place) ?? ''}`;
  const people = await readPeople(secrets('operator'));
  const { tokens } = await readOperatorSecrets(secrets('operator'));
  const api = at('analytics:8082');
  return {
    pid: process.pid,
    ingress: at('balancer:8080'),
    ...{ api, console: api },
    facilitator: at('balancer:8081'),
    chain: {
      rpc: at('devnet:8545'),
      network: 'eip155:84532',
      asset: usdcAddress,
      name: 'USDC',
      version: '2',
    },
    publisher: {
      id: demoPublisherId,
      payTo: people.publisher.address,
      token: tokens.publishers[demoPublisherId] ?? '',
    },
    operator: { token: tokens.operator },
    wallets: people.crawlers,
  };
}
