import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeEvent } from '@paycrawl/events/event';
import { type ClickHouseServer, startClickHouseServer } from '@paycrawl/testkit/clickhouse-server';
import { type KafkaCluster, startKafka, wipeKafka } from '@paycrawl/testkit/kafka-broker';
import { startTcpProxy, type TcpProxy } from '@paycrawl/testkit/tcp-proxy';
import { startBalancer } from '../processes/balancer.js';
import type { FleetMember } from '../processes/fleet.js';
import type { ServiceName } from '../processes/start-service.js';
import { type SeparateServices, startSeparateServices } from '../testing/separate-services.js';
import { startWatch, type Watch } from './watch.js';

/** Every service as processes over a broker, behind a balancer, watched from beside. */
export interface FaultPlatform extends SeparateServices {
  readonly kafka: KafkaCluster;
  /** In front of the broker's second listener, one per node: only who was sent there uses it. */
  readonly proxies: readonly TcpProxy[];
  /** What an instance is started with so that its way to the broker leads through the proxies. */
  readonly proxied: Readonly<Record<string, string>>;
  /** Of its own process, as over a network. */
  readonly clickHouse: ClickHouseServer;
  /** On the way of the services to the devnet; crawlers and the audit go past it. */
  readonly chainProxy: TcpProxy;
  /** Origin of the tills, behind a balancer that asks for their readiness. */
  readonly till: string;
  readonly watch: Watch;
  /** Starts an instance again on its own folder and ports, or a new one, and waits for it. */
  start(instance: string, environment?: Readonly<Record<string, string>>): Promise<FleetMember>;
}

export interface PlatformOptions {
  readonly nodes?: 1 | 3;
  readonly instances?: Partial<Record<ServiceName, number>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** How the watch reads records; absent: as the present program. */
  readonly decode?: typeof decodeEvent;
}

/** Two tills for the balancer, two verifiers so that one can die: the rest is supervised. */
const instancesDefault = { ingress: 2, verifier: 2 };

/** Small times, so that every step is passed soon. */
const environmentDefault: Readonly<Record<string, string>> = {
  SETTLEMENT_BATCH_AGE_MAX_MS: '200',
  SETTLEMENT_POLL_INTERVAL_MS: '200',
  SETTLEMENT_RESEND_AFTER_MS: '1500',
  SETTLEMENT_BUMP_AFTER_MS: '4000',
  ANALYTICS_RECONCILE_INTERVAL_MS: '2000',
};

/** Of what was begun, the last first. */
type Closers = (() => Promise<unknown>)[];

export async function startFaultPlatform(options: PlatformOptions = {}): Promise<FaultPlatform> {
  const closers: Closers = [];
  const remove = async (): Promise<void> => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  };
  try {
    return { ...(await startParts(options, closers)), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function startParts(
  options: PlatformOptions,
  closers: Closers,
): Promise<Omit<FaultPlatform, 'remove'>> {
  const { nodes = 1, instances = instancesDefault, decode = decodeEvent } = options;
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-faults-'));
  closers.push(() => wipeKafka(directory));
  const proxies = await Promise.all(Array.from({ length: nodes }, () => startTcpProxy(1)));
  const chainProxy = await startTcpProxy(1);
  closers.push(() => Promise.all([...proxies, chainProxy].map((proxy) => proxy.close())));
  const proxyPorts = proxies.map(({ port }) => port);
  const kafka = await startKafka({ directory, nodes, proxyPorts });
  proxies.forEach((proxy, node) => {
    proxy.aim(kafka.proxiedPorts[node] ?? 0);
  });
  const clickHouse = await startClickHouseServer({ directory: join(directory, 'clickhouse') });
  closers.push(() => clickHouse.close());
  const services = await startSeparateServices({
    ...{ brokers: kafka.brokers, instances, chainProxy },
    environment: {
      ...{ ...environmentDefault, CLICKHOUSE_URL: clickHouse.url },
      ...options.environment,
    },
  });
  closers.push(() => services.remove());
  const tills = services.fleet.members().filter(({ service }) => service === 'ingress');
  const balancer = await startBalancer(0, tills.map(balanced));
  closers.push(() => balancer.close());
  const watch = await startWatch(services.log, decode, (error) => {
    process.stderr.write(`faults: the log cannot be followed: ${String(error)}\n`);
  });
  closers.push(() => watch.close());
  return {
    ...services,
    ...{ kafka, proxies, watch, clickHouse, chainProxy },
    proxied: { KAFKA_BROKERS: proxyPorts.map((port) => `127.0.0.1:${port}`).join(',') },
    till: `http://127.0.0.1:${balancer.port}`,
    async start(instance, environment) {
      const member = await services.fleet.start(serviceOf(instance), instance, environment);
      await member.ready();
      return member;
    },
  };
}

export function serviceOf(instance: string): ServiceName {
  return instance.slice(0, instance.lastIndexOf('-')) as ServiceName;
}

function balanced({ origin, operations }: FleetMember) {
  return { port: Number.parseInt(new URL(origin).port, 10), readyUrl: `${operations}/readyz` };
}
