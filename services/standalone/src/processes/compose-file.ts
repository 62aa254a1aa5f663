import { fail } from '@paycrawl/errors/paycrawl-error';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { parse } from 'yaml';

/** What this project uses of the Compose specification, after merge keys and variables. */
const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);

const Service = Type.Object({
  image: Type.String(),
  build: Type.Optional(Type.Object({ context: Type.String(), dockerfile: Type.String() })),
  command: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
  environment: Type.Optional(Type.Record(Type.String(), Scalar)),
  profiles: Type.Optional(Type.Array(Type.String())),
  restart: Type.Optional(Type.String()),
  stop_grace_period: Type.Optional(Type.String()),
  expose: Type.Optional(Type.Array(Type.String())),
  ports: Type.Optional(Type.Array(Type.String())),
  volumes: Type.Optional(Type.Array(Type.String())),
  depends_on: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Object({
        condition: Type.Union([
          Type.Literal('service_started'),
          Type.Literal('service_healthy'),
          Type.Literal('service_completed_successfully'),
        ]),
      }),
    ),
  ),
  healthcheck: Type.Optional(Type.Object({ test: Type.Array(Type.String(), { minItems: 1 }) })),
});

const File = Type.Object({
  services: Type.Record(Type.String(), Service),
  volumes: Type.Record(Type.String(), Type.Unknown()),
  networks: Type.Record(Type.String(), Type.Unknown()),
});

export type Condition = 'service_started' | 'service_healthy' | 'service_completed_successfully';

export interface Mount {
  /** A volume by its name, or a path that begins with a dot. */
  readonly source: string;
  readonly target: string;
}

export interface PublishedPort {
  readonly host: number;
  readonly container: number;
}

export interface ComposeService {
  readonly name: string;
  readonly image: string;
  /** Built from this repository. */
  readonly isOurs: boolean;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly profiles: readonly string[];
  readonly restart: string;
  readonly stopGraceMs: number;
  readonly exposed: readonly number[];
  readonly published: readonly PublishedPort[];
  readonly mounts: readonly Mount[];
  readonly dependsOn: readonly { readonly service: string; readonly condition: Condition }[];
  /** With the CMD that it begins with. */
  readonly healthTest: readonly string[] | undefined;
}

export interface ComposeFile {
  readonly services: readonly ComposeService[];
  readonly volumes: readonly string[];
}

export type Variables = (name: string) => string | undefined;

export function readComposeFile(text: string, variables: Variables): ComposeFile {
  const raw = interpolated(parse(text, { merge: true }), variables);
  const file = Value.Clone(raw) as Static<typeof File>;
  const first = Value.Errors(File, file).First();
  if (first !== undefined) {
    throw fail('config_invalid', `docker-compose.yml ${first.path}: ${first.message}`);
  }
  return {
    services: Object.entries(file.services).map(([name, service]) => serviceOf(name, service)),
    volumes: Object.keys(file.volumes),
  };
}

function serviceOf(name: string, service: Static<typeof Service>): ComposeService {
  return {
    name,
    image: service.image,
    isOurs: service.build !== undefined,
    command: service.command ?? [],
    environment: Object.fromEntries(
      Object.entries(service.environment ?? {}).map(([key, value]) => [key, String(value)]),
    ),
    profiles: service.profiles ?? [],
    restart: service.restart ?? 'no',
    stopGraceMs: Number.parseInt(service.stop_grace_period ?? '10', 10) * 1_000,
    exposed: (service.expose ?? []).map(readPort),
    published: (service.ports ?? []).map(publishedPort),
    mounts: (service.volumes ?? []).map(mountOf),
    dependsOn: Object.entries(service.depends_on ?? {}).map(([dependency, { condition }]) => ({
      ...{ service: dependency, condition },
    })),
    healthTest: service.healthcheck?.test,
  };
}

/** `127.0.0.1:8080:8080`; the short forms without an address would open it to everybody. */
function publishedPort(text: string): PublishedPort {
  const [address, host, container] = text.split(':');
  if (address !== '127.0.0.1' || host === undefined || container === undefined) {
    throw fail('config_invalid', `docker-compose.yml: publish ${text} at 127.0.0.1 only`);
  }
  return { host: readPort(host), container: readPort(container) };
}

function readPort(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number.parseInt(text, 10);
  throw fail('config_invalid', `docker-compose.yml: ${text} is no port`);
}

function mountOf(text: string): Mount {
  const [source, target] = text.split(':');
  if (source !== undefined && target?.startsWith('/')) return { source, target };
  throw fail('config_invalid', `docker-compose.yml: ${text} is no mount`);
}

/** `${NAME}` and `${NAME:-default}` in every text, as Compose does it. */
function interpolated(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string') return interpolate(value, variables);
  if (Array.isArray(value)) return value.map((item) => interpolated(item, variables));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, interpolated(child, variables)]),
  );
}

function interpolate(text: string, variables: Variables): string {
  return text.replace(/\$\{([A-Z0-9_]+)(?::-([^}]*))?\}/g, (_, name: string, otherwise = '') => {
    const value = variables(name);
    return value === undefined || value === '' ? otherwise : value;
  });
}
