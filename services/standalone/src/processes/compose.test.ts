import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { processSchema as analytics } from '@paycrawl/analytics/config';
import { processSchema as ingress } from '@paycrawl/ingress/config';
import { processSchema as metering } from '@paycrawl/metering/config';
import { loadConfig, variablesOf } from '@paycrawl/service-kit/config';
import { logSchema } from '@paycrawl/service-kit/log-config';
import { processSchema as settlement } from '@paycrawl/settlement/config';
import { processSchema as verifier } from '@paycrawl/verifier/config';
import { type TObject, Type } from '@sinclair/typebox';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import * as Jobs from '../deploy/job-config.js';
import { readBalancerConfig } from './balancer-config.js';
import { type ComposeService, readComposeFile } from './compose-file.js';
import { repositoryRoot } from './platform-processes.js';

const read = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');
const text = read('docker-compose.yml');
const raw = parse(text, { merge: true }) as { services: Record<string, RawService> };
const { services, volumes } = readComposeFile(text, () => undefined);
const ours = services.filter(({ isOurs }) => isOurs);

interface RawService {
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly volumes?: readonly string[];
  readonly deploy?: { resources?: { limits?: { cpus?: string; memory?: string } } };
}

/** What a program of our image reads from its environment. */
const knobs: Readonly<Record<string, TObject>> = {
  'services/ingress/dist/main.js': ingress,
  'services/verifier/dist/main.js': verifier,
  'services/metering/dist/main.js': metering,
  'services/settlement/dist/main.js': settlement,
  'services/analytics/dist/main.js': analytics,
  'services/standalone/dist/deploy/secrets-cli.js': Jobs.secretsJobSchema,
  'services/standalone/dist/deploy/devnet-cli.js': Jobs.devnetJobSchema,
  'services/standalone/dist/deploy/publisher-cli.js': Jobs.publisherJobSchema,
  'services/standalone/dist/deploy/tokens-cli.js': Jobs.tokensJobSchema,
  'services/standalone/dist/deploy/site-cli.js': Jobs.siteSchema,
  'loadtest/dist/audit-cli.js': Type.Object({ log: logSchema }),
  'infra/tools/kafka/topics.mjs': Type.Object({
    kafkaBrokers: Type.String(),
    partitions: Type.Integer(),
  }),
  'node_modules/.bin/anvil': Type.Object({ home: Type.String() }),
};
/** Read by service-kit for every service, outside of their own schemas. */
const everywhere = [
  'LOG_LEVEL',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
];

function programOf({ name, command }: ComposeService): string {
  const program = command.find((word) => /\.m?js$|^node_modules/.test(word));
  if (program === undefined) expect.fail(`${name} has no program`);
  return program;
}

function serviceNamed(name: string): ComposeService {
  const service = services.find((candidate) => candidate.name === name);
  if (service === undefined) expect.fail(`${name} is no service of the file`);
  return service;
}

test('behavior: the file follows the Compose specification', () => {
  const { $schema: _, ...schema } = JSON.parse(
    read('infra/deploy/compose-spec/compose-spec.json'),
  ) as Record<string, unknown>;
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  // The specification's durations are those of Go; ajv-formats knows those of ISO 8601.
  ajv.addFormat('duration', /^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/);
  const validate = ajv.compile(schema);
  validate(raw);
  expect(validate.errors ?? []).toEqual([]);
  expect(validate({ services: { x: { imagee: 'y' } } })).toBe(false);
});

test('behavior: every service of the repository is in it, by its own program', () => {
  const programs = ours.map(programOf);
  const present = readdirSync(join(repositoryRoot, 'services')).filter((name) =>
    existsSync(join(repositoryRoot, 'services', name, 'src/main.ts')),
  );
  expect(present).toContain('ingress');
  for (const name of present.filter((service) => service !== 'standalone')) {
    expect(programs, name).toContain(`services/${name}/dist/main.js`);
  }
  // Two of those that crawlers wait for, so that one may be away.
  for (const name of ['ingress', 'verifier']) {
    const count = programs.filter((program) => program === `services/${name}/dist/main.js`).length;
    expect(count, name).toBe(2);
  }
});

test('behavior: each waits for services of the file, by a condition that they can meet', () => {
  for (const { name, dependsOn } of services) {
    for (const { service, condition } of dependsOn) {
      const dependency = serviceNamed(service);
      const isJob = dependency.restart === 'no' && dependency.healthTest === undefined;
      const wanted = isJob ? 'service_completed_successfully' : 'service_healthy';
      expect(condition, `${name} on ${service}`).toBe(wanted);
    }
  }
});

test('behavior: every job is waited for, else `up --wait` takes its end for a failure', () => {
  const awaited = services.flatMap(({ dependsOn }) => dependsOn.map(({ service }) => service));
  const jobs = services.filter(
    ({ restart, healthTest, profiles }) =>
      restart === 'no' && healthTest === undefined && profiles.length === 0,
  );
  expect(jobs.length).toBeGreaterThan(3);
  for (const { name } of jobs) expect(awaited).toContain(name);
});

test('behavior: every variable is a knob of its program, and the values are valid', () => {
  for (const service of ours) {
    const schema = knobs[programOf(service)];
    if (schema === undefined) expect.fail(`${service.name}: a program without a schema`);
    const known = [...everywhere, ...variablesOf(schema).map(({ name }) => name)];
    for (const name of Object.keys(service.environment)) {
      expect(known, service.name).toContain(name);
    }
    expect(() => loadConfig(schema, service.environment)).not.toThrow();
  }
});

test('behavior: every program, folder and file that it names exists', () => {
  for (const service of ours) {
    const words = [...service.command, ...(service.healthTest ?? [])];
    for (const word of words.filter((candidate) =>
      /^(services|infra|loadtest)\//.test(candidate),
    )) {
      const source = word.replace('/dist/', '/src/').replace(/\.js$/, '.ts');
      expect(existsSync(join(repositoryRoot, source)), `${service.name}: ${word}`).toBe(true);
    }
  }
  const lock = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { dev?: boolean } | undefined>;
  };
  expect(lock.packages['node_modules/@foundry-rs/anvil']).toBeDefined();
  expect(lock.packages['node_modules/@foundry-rs/anvil']?.dev).toBeUndefined();
  for (const { name, mounts } of services) {
    for (const { source } of mounts.filter((mount) => mount.source.startsWith('.'))) {
      expect(existsSync(join(repositoryRoot, source)), `${name}: ${source}`).toBe(true);
    }
  }
});

test('behavior: volumes are declared and used, and no two services write one', () => {
  const used = services.flatMap(({ mounts }) => mounts.map(({ source }) => source));
  expect([...new Set(used.filter((source) => !source.startsWith('.')))].sort()).toEqual(
    [...volumes].sort(),
  );
  for (const volume of volumes.filter((name) => !name.startsWith('secrets-'))) {
    expect(
      used.filter((source) => source === volume),
      volume,
    ).toHaveLength(1);
  }
});

test('behavior: secrets are files, each seen by its service and made by one job', () => {
  const mountsOf = (volume: string) =>
    Object.entries(raw.services).flatMap(([name, service]) =>
      (service.volumes ?? []).filter((mount) => mount.startsWith(`${volume}:`)).map(() => name),
    );
  expect(mountsOf('secrets-settlement')).toEqual(['secrets', 'settlement']);
  expect(mountsOf('secrets-ingress')).toEqual(['secrets', 'ingress-1', 'ingress-2']);
  expect(mountsOf('secrets-analytics')).toEqual(['secrets', 'analytics']);
  for (const [name, service] of Object.entries(raw.services)) {
    if (name === 'secrets' || name === 'devnet-setup') continue;
    for (const mount of service.volumes ?? []) {
      if (mount.startsWith('secrets-')) expect(mount, name).toMatch(/:ro$/);
    }
  }
  for (const { name, environment } of services) {
    const suspicious = Object.keys(environment).filter((variable) =>
      /PASSWORD|SECRET|PRIVATE|CREDENTIAL|API_KEY/.test(variable),
    );
    for (const variable of suspicious) {
      if (environment[variable] === 'true') continue;
      expect(variable, name).toMatch(/_(FILE|DIR)$/);
    }
  }
});

test('behavior: health checks ask /readyz at a port that the service opens', () => {
  for (const service of ours.filter(({ restart }) => restart !== 'no')) {
    const url = new URL(service.healthTest?.at(-1) ?? '');
    const isSite = service.name === 'site';
    expect(url.pathname, service.name).toBe(isSite ? '/' : '/readyz');
    const ports = Object.entries(service.environment)
      .filter(([name]) => name.endsWith('_PORT'))
      .map(([, value]) => value);
    expect(ports, service.name).toContain(url.port);
    // Inside a container nobody else reaches 127.0.0.1.
    const hosts = Object.entries(service.environment).filter(([name]) => name.endsWith('_HOST'));
    expect(hosts.length, service.name).toBe(ports.length);
    for (const [, value] of hosts) expect(value, service.name).toBe('0.0.0.0');
  }
});

test('behavior: what stays up is watched and bounded', () => {
  for (const { name, restart, healthTest, image } of services) {
    const { limits } = raw.services[name]?.deploy?.resources ?? {};
    expect(limits?.cpus, name).toMatch(/^\d+\.\d$/);
    expect(limits?.memory, name).toMatch(/^\d+[mg]$/);
    if (restart === 'no') continue;
    expect(restart, name).toBe('unless-stopped');
    // Its image holds one program and nothing to ask by.
    if (!image.startsWith('otel/')) expect(healthTest, name).toBeDefined();
  }
  for (const { name } of ours) {
    expect(raw.services[name]?.read_only, name).toBe(true);
    expect(raw.services[name]?.cap_drop, name).toEqual(['ALL']);
  }
});

test('behavior: images are pinned, and published ports differ', () => {
  const dockerfile = read('infra/deploy/Dockerfile');
  const [, node = ''] = /^ARG NODE_IMAGE=(.+)$/m.exec(dockerfile) ?? [];
  const images = [node, ...services.filter(({ isOurs }) => !isOurs).map(({ image }) => image)];
  for (const image of images) expect(image).toMatch(/^[a-z0-9/.-]+:v?\d+\.\d+\.\d+[a-z0-9.-]*$/);
  const published = services.flatMap((service) => service.published.map(({ host }) => host));
  expect(new Set(published).size).toBe(published.length);
});

test('behavior: the balancer knows every ingress and facilitator by its ports', () => {
  const frontends = readBalancerConfig(read('infra/deploy/balancer.cfg'));
  expect(frontends.map(({ port }) => port)).toEqual(
    serviceNamed('balancer').published.map(({ container }) => container),
  );
  const behind = frontends.flatMap(({ servers }) => servers);
  expect(behind.map(({ host }) => host).sort()).toEqual(
    ours.map(({ name }) => name).filter((name) => /^(ingress|verifier)-/.test(name)),
  );
  for (const { host, port, checkPort } of behind) {
    const { environment, healthTest } = serviceNamed(host);
    expect(Object.values(environment)).toContain(String(port));
    expect(healthTest?.at(-1)).toContain(`:${checkPort}/`);
  }
});

test('behavior: Prometheus asks every service that has metrics, where it answers', () => {
  const { scrape_configs } = parse(read('infra/observability/prometheus.yml')) as {
    scrape_configs: readonly { static_configs: readonly { targets: readonly string[] }[] }[];
  };
  const targets = scrape_configs.flatMap((scrape) =>
    scrape.static_configs.flatMap((group) => group.targets),
  );
  for (const target of targets) {
    const [host = '', port = ''] = target.split(':');
    const { exposed, published } = serviceNamed(host);
    const open = [...exposed, ...published.map(({ container }) => container)];
    expect(open, target).toContain(Number(port));
  }
  // Their probes and their metrics are at one port.
  for (const { name, healthTest } of ours) {
    const probe = healthTest?.at(-1);
    if (!probe?.endsWith('/readyz')) continue;
    expect(targets).toContain(`${name}:${new URL(probe).port}`);
  }
});

test('behavior: the image holds what the commands name', () => {
  const dockerfile = read('infra/deploy/Dockerfile');
  const stages = [...dockerfile.matchAll(/ AS (\S+)$/gm)].map(([, stage]) => stage);
  for (const [, stage] of dockerfile.matchAll(/COPY --from=(\S+)/g)) {
    expect(stages).toContain(stage);
  }
  const [, copied = ''] = /cp -R --parents ([^\\]+)/.exec(dockerfile) ?? [];
  const folders = copied.trim().split(' ');
  for (const folder of folders) expect(existsSync(join(repositoryRoot, folder))).toBe(true);
  const words = ours.flatMap(({ command, healthTest }) => [...command, ...(healthTest ?? [])]);
  for (const word of words.filter((candidate) => candidate.startsWith('infra/'))) {
    expect(
      folders.some((folder) => word.startsWith(`${folder}/`)),
      word,
    ).toBe(true);
  }
  // Runs as an ordinary user, and every folder that a volume covers belongs to it.
  expect(dockerfile).toMatch(/^USER node$/m);
  for (const { target } of ours.flatMap(({ mounts }) => mounts)) {
    expect(dockerfile, target).toMatch(new RegExp(`${target}( |\n)`));
  }
});
