import { mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ComposeService } from './compose-file.js';
import { freePorts } from './free-ports.js';

/**
 * What a container would see and a process does not: its own ports, the names of the others, its
 * mounts. Every name and port of the file is known here by where it is on this machine.
 */
export interface Surroundings {
  /** Who answers at `name:port` of the file; set when it is known. */
  readonly addresses: Map<string, string>;
  /** Names of the file that nobody stands in for. */
  readonly absent: ReadonlySet<string>;
  readonly directory: string;
}

export function portOf(surroundings: Surroundings, service: string, port: number): number {
  const address = surroundings.addresses.get(`${service}:${port}`) ?? '';
  return Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 10);
}

/** A port of this machine for each that our services open in their containers. */
export async function assignPorts(
  addresses: Map<string, string>,
  services: readonly ComposeService[],
): Promise<void> {
  const wanted = services.flatMap((service) =>
    containerPorts(service).map((container) => ({ service, container })),
  );
  const free = await freePorts(wanted.length);
  for (const [i, { service, container }] of wanted.entries()) {
    const { host } = service.published.find((port) => port.container === container) ?? { host: 0 };
    addresses.set(`${service.name}:${container}`, `127.0.0.1:${host === 0 ? free[i] : host}`);
  }
}

function containerPorts({ environment }: ComposeService): number[] {
  return Object.entries(environment)
    .filter(([name]) => name.endsWith('_PORT'))
    .map(([, value]) => Number.parseInt(value, 10));
}

/** The file system as this container would see it, of links to folders that stand for volumes. */
export async function makeRoot(
  surroundings: Surroundings,
  service: ComposeService,
): Promise<string> {
  const root = join(surroundings.directory, 'roots', service.name);
  await rm(root, { recursive: true, force: true });
  await mkdir(root, { recursive: true, mode: 0o700 });
  for (const { source, target } of service.mounts) {
    const volume = volumePath(surroundings.directory, source);
    await mkdir(volume, { recursive: true, mode: 0o700 });
    await mkdir(dirname(join(root, target)), { recursive: true, mode: 0o700 });
    await symlink(volume, join(root, target), 'dir');
  }
  return root;
}

export function volumePath(directory: string, volume: string): string {
  return join(directory, 'volumes', volume);
}

/** The environment of the file, each name and path by what it is on this machine. */
export function environmentOf(
  surroundings: Surroundings,
  service: ComposeService,
  root: string,
): Record<string, string> {
  const mapped: Record<string, string> = {};
  for (const [name, value] of Object.entries(service.environment)) {
    if (namesAbsent(surroundings, value)) continue;
    mapped[name] = mapValue(surroundings, service, root, name, value);
  }
  return mapped;
}

/** Variables that say where something is that does not run here are left away. */
export function namesAbsent({ absent }: Surroundings, value: string): boolean {
  return [...value.matchAll(hostAndPort)].some(([, host = '']) => absent.has(host));
}

const hostAndPort = /([a-z][a-z0-9-]*):(\d{2,5})/g;

function mapValue(
  surroundings: Surroundings,
  { name: service }: ComposeService,
  root: string,
  name: string,
  value: string,
): string {
  if (name.endsWith('_HOST') && value === '0.0.0.0') return '127.0.0.1';
  if (name.endsWith('_PORT')) {
    return String(portOf(surroundings, service, Number.parseInt(value, 10)));
  }
  if (value.startsWith('/')) return join(root, value);
  const placed = value.replace(hostAndPort, (text) => surroundings.addresses.get(text) ?? text);
  // Three brokers of the file may be one here.
  return [...new Set(placed.split(','))].join(',');
}

/** Where the health check of the file asks, on this machine. */
export function healthUrl(surroundings: Surroundings, service: ComposeService): string | undefined {
  const url = service.healthTest?.at(-1);
  if (url === undefined || !url.startsWith('http://127.0.0.1:')) return undefined;
  const { port, pathname } = new URL(url);
  return `http://127.0.0.1:${portOf(surroundings, service.name, Number(port))}${pathname}`;
}
