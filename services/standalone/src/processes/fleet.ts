import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from './free-ports.js';
import { type RunningService, type ServiceName, startService } from './start-service.js';

/** Everything that instances of this fleet share: the log, the chain, secrets. */
export interface FleetOptions {
  /** A folder for each instance, and their logs. */
  readonly directory: string;
  /** Of all instances: `EVENT_LOG`, `KAFKA_BROKERS`, `CHAIN_RPC_URL`, and what a test sets. */
  readonly environment: Readonly<Record<string, string>>;
  /** With `ingress`, `settlement`, `analytics` and `verifier` below it. */
  readonly secretsDirectory: string;
}

/** Instances of services as processes of this machine, each as if it were alone on its own. */
export interface Fleet {
  /** Starts another instance, or the same one again on its own folder and ports. */
  start(
    service: ServiceName,
    instance: string,
    environment?: Readonly<Record<string, string>>,
  ): Promise<FleetMember>;
  members(): readonly FleetMember[];
  /** SIGKILL for all that still run. */
  killAll(): Promise<void>;
}

export interface FleetMember extends RunningService {
  readonly service: ServiceName;
  /** Origin of what the service serves: till, facilitator, API; of the others, their probes. */
  readonly origin: string;
  /** Origin of `/livez`, `/readyz` and `/metrics`. */
  readonly operations: string;
}

export function createFleet(options: FleetOptions): Fleet {
  const members = new Map<string, FleetMember>();
  const ports = new Map<string, readonly [own: number, operations: number]>();
  const portsOf = async (instance: string) => {
    const [own = 0, operations = 0] = ports.get(instance) ?? (await freePorts(2));
    ports.set(instance, [own, operations]);
    return { own, operations };
  };
  return {
    async start(service, instance, environment = {}) {
      const port = await portsOf(instance);
      const dataDir = join(options.directory, instance);
      await mkdir(dataDir, { recursive: true, mode: 0o700 });
      const addresses = addressesOf(service, port);
      const running = await startService({
        ...{ service, instance },
        logFile: join(options.directory, `${instance}.log`),
        readyUrl: `${addresses.operations}/readyz`,
        environment: {
          LOG_LEVEL: 'info',
          ...options.environment,
          DATA_DIR: dataDir,
          SECRETS_DIR: join(options.secretsDirectory, service),
          INSTANCE_ID: instance,
          ...addresses.environment,
          ...environment,
        },
      });
      const member: FleetMember = {
        ...{ ...running, service },
        ...{ origin: addresses.origin, operations: addresses.operations },
      };
      members.set(instance, member);
      return member;
    },
    members: () => [...members.values()],
    async killAll() {
      await Promise.all([...members.values()].map((one) => one.isGone() || one.kill()));
    },
  };
}

interface Addresses {
  readonly origin: string;
  readonly operations: string;
  readonly environment: Readonly<Record<string, string>>;
}

function addressesOf(
  service: ServiceName,
  { own, operations }: { readonly own: number; readonly operations: number },
): Addresses {
  const origin = `http://127.0.0.1:${own}`;
  if (service === 'ingress') {
    const environment = {
      INGRESS_PORT: String(own),
      INGRESS_OPERATIONS_PORT: String(operations),
    };
    return { origin, operations: `http://127.0.0.1:${operations}`, environment };
  }
  return { origin, operations: origin, environment: { [portNames[service]]: String(own) } };
}

const portNames = {
  verifier: 'FACILITATOR_PORT',
  metering: 'METERING_PORT',
  settlement: 'SETTLEMENT_PORT',
  analytics: 'API_PORT',
} as const;
