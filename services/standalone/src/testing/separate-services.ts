import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedTokens, ensureTokens } from '@paycrawl/analytics/access/tokens';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { openKafkaLog } from '@paycrawl/event-log/kafka-log';
import { topicConfigs } from '@paycrawl/events/topics';
import { quoteKeysFile, readQuoteKeys } from '@paycrawl/ingress/challenge/quote-keys';
import { defaultPriceBook } from '@paycrawl/pricing/price-book';
import { loadSigners } from '@paycrawl/settlement/signers';
import type { Devnet } from '@paycrawl/testkit/devnet';
import type { TcpProxy } from '@paycrawl/testkit/tcp-proxy';
import { type DevnetPeople, setUpDevnet, signerGasWei } from '../devnet-setup.js';
import { createFleet, type Fleet, type FleetMember } from '../processes/fleet.js';
import type { ServiceName } from '../processes/start-service.js';
import { setUpPublisher } from '../publisher-setup.js';
import { type RunFile, writeRunFile } from '../run-file.js';
import { type CountedOrigin, startCountedOrigin } from './counted-origin.js';

/** Every service as processes of their own over a broker and a devnet, with one publisher. */
export interface SeparateServices {
  readonly directory: string;
  readonly devnet: Devnet;
  readonly people: DevnetPeople;
  readonly origin: CountedOrigin;
  readonly tokens: EmbeddedTokens;
  /** Straight to the broker, beside the services. */
  readonly log: EventLog;
  readonly fleet: Fleet;
  /** What every instance is started with: for tools beside them, as the audit. */
  readonly environment: Readonly<Record<string, string>>;
  member(instance: string): FleetMember;
  /** As `npm start` says where it runs; also in `run.json` of the directory, for the audit. */
  run(): Promise<RunFile>;
  /** Ends everything that still runs and deletes the data; the broker stays. */
  remove(): Promise<void>;
}

export interface SeparateServicesOptions {
  readonly brokers: readonly string[];
  /** How many of each; a service that is not named has one. */
  readonly instances?: Partial<Record<ServiceName, number>>;
  readonly partitions?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** The way of the services to the devnet leads through it; crawlers and tools go past it. */
  readonly chainProxy?: Pick<TcpProxy, 'port' | 'aim'>;
  /** Only the surroundings: the test starts the members itself. */
  readonly isEmpty?: boolean;
}

export const separatePublisher = 'demo';
const services = ['verifier', 'ingress', 'metering', 'settlement', 'analytics'] as const;
const partitionsDefault = 4;
const retentionMs = 24 * 3600 * 1000;

export async function startSeparateServices(
  options: SeparateServicesOptions,
): Promise<SeparateServices> {
  const { brokers, partitions = partitionsDefault } = options;
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-separate-'));
  const { devnet, people } = await setUpDevnet({ dataDir: directory, port: 0, fresh: false });
  const origin = await startCountedOrigin();
  const log = openKafkaLog({ brokers, clientId: 'paycrawl-test' });
  await log.createTopics(topicConfigs({ payer: partitions, publisher: partitions }, retentionMs));
  const secretsDirectory = join(directory, 'secrets');
  const tokens = await makeSecrets(secretsDirectory, partitions, devnet);
  await register(log, devnet, people, origin.origin);
  const environment = {
    EVENT_LOG: 'kafka',
    KAFKA_BROKERS: brokers.join(','),
    // As in docker-compose.yml: the others take over after this.
    KAFKA_SESSION_TIMEOUT_MS: '2500',
    CHAIN_RPC_URL: wayTo(devnet, options.chainProxy),
    CHAIN_ID: String(devnet.chainId),
    FACILITATOR_IS_OPEN: 'true',
    ...options.environment,
  };
  const members = join(directory, 'members');
  const fleet = createFleet({ directory: members, environment, secretsDirectory });
  const remove = async (): Promise<void> => {
    await fleet.killAll();
    await log.close();
    await origin.close();
    await devnet.stop();
    await rm(directory, { recursive: true, force: true });
  };
  if (options.isEmpty !== true) {
    await startAll(fleet, options.instances ?? {}).catch(async (error: unknown) => {
      await remove();
      throw error;
    });
  }
  const member = (instance: string): FleetMember => {
    const found = fleet.members().find((one) => one.instance === instance);
    if (found === undefined) throw fail('internal', `There is no instance ${instance}.`);
    return found;
  };
  return {
    ...{ directory, devnet, people, origin, tokens, log, fleet, environment, member },
    async run() {
      const run = runOf(devnet, people, tokens, {
        ingress: member('ingress-1').origin,
        facilitator: member('verifier-1').origin,
        api: member('analytics-1').origin,
      });
      await writeRunFile(join(directory, 'run.json'), run);
      return run;
    },
    remove,
  };
}

function wayTo({ port, rpcUrl }: Devnet, proxy: SeparateServicesOptions['chainProxy']): string {
  if (proxy === undefined) return rpcUrl;
  proxy.aim(port);
  return `http://127.0.0.1:${proxy.port}`;
}

function runOf(
  devnet: Devnet,
  people: DevnetPeople,
  tokens: EmbeddedTokens,
  origins: { readonly ingress: string; readonly facilitator: string; readonly api: string },
): RunFile {
  return {
    ...{ pid: process.pid, ...origins, console: origins.api },
    chain: {
      rpc: devnet.rpcUrl,
      network: `eip155:${devnet.chainId}`,
      asset: devnet.usdc,
      ...{ name: 'USDC', version: '2' },
    },
    publisher: {
      id: separatePublisher,
      payTo: people.publisher.address,
      token: tokens.publishers[separatePublisher] ?? '',
    },
    operator: { token: tokens.operator },
    wallets: people.crawlers,
  };
}

async function startAll(
  fleet: Fleet,
  instances: Partial<Record<ServiceName, number>>,
): Promise<void> {
  const starts = services.flatMap((service) =>
    Array.from({ length: instances[service] ?? 1 }, (_, i) =>
      fleet.start(service, `${service}-${i + 1}`),
    ),
  );
  await Promise.all((await Promise.all(starts)).map((member) => member.ready()));
}

/** As the job `secrets` of a deployment: one folder for each service. */
async function makeSecrets(
  directory: string,
  partitions: number,
  devnet: Devnet,
): Promise<EmbeddedTokens> {
  for (const service of services) {
    await mkdir(join(directory, service), { recursive: true, mode: 0o700 });
  }
  await readQuoteKeys(join(directory, 'ingress', quoteKeysFile));
  for (const { address } of await loadSigners(join(directory, 'settlement'), partitions)) {
    await devnet.setEth(address, signerGasWei);
  }
  return ensureTokens(join(directory, 'analytics'), [separatePublisher]);
}

async function register(
  log: EventLog,
  devnet: Devnet,
  people: DevnetPeople,
  origin: string,
): Promise<void> {
  const publisher = {
    ...{ publisherId: separatePublisher, name: 'Demo publisher', origin },
    hosts: ['127.0.0.1', 'localhost'],
    network: `eip155:${devnet.chainId}`,
    asset: devnet.usdc.toLowerCase(),
    payTo: people.publisher.address.toLowerCase(),
  };
  await setUpPublisher(log, publisher, defaultPriceBook('USD 0.001'), Date.now());
}
