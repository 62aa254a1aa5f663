import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ComposeFile, readComposeFile } from './compose-file.js';
import { assignPorts, environmentOf, healthUrl, makeRoot, volumePath } from './surroundings.js';

const text = `
x-common: &common { DATA_DIR: /var/lib/app, LEVEL: '\${LEVEL:-info}' }
services:
  till:
    image: app:1.0.0
    build: { context: ., dockerfile: Dockerfile }
    environment:
      <<: *common
      TILL_HOST: 0.0.0.0
      TILL_PORT: 8080
      BROKERS: kafka-1:9092,kafka-2:9092
      OTHER_URL: http://other:9000/path
      COLLECTOR: http://collector:4318
    ports: ['127.0.0.1:\${TILL_PORT:-8080}:8080']
    volumes: ['till:/var/lib/app', 'secrets:/secrets/till:ro']
    healthcheck: { test: [CMD, probe, 'http://127.0.0.1:8080/readyz'] }
volumes: { till: , secrets: }
networks: {}
`;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-surroundings-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const till = ({ services }: ComposeFile) => services[0] ?? expect.fail('no service');

async function surroundingsOf(file: ComposeFile) {
  const addresses = new Map([
    ['kafka-1:9092', '127.0.0.1:5001'],
    ['kafka-2:9092', '127.0.0.1:5001'],
    ['other:9000', '127.0.0.1:5002'],
  ]);
  await assignPorts(addresses, file.services);
  return { addresses, absent: new Set(['collector']), directory };
}

describe('what a process sees instead of its container', () => {
  test('behavior: names, ports and paths are those of this machine, and nothing else changes', async () => {
    const file = readComposeFile(text, (name) => (name === 'TILL_PORT' ? '0' : undefined));
    const surroundings = await surroundingsOf(file);
    const root = await makeRoot(surroundings, till(file));
    const environment = environmentOf(surroundings, till(file), root);
    const port = environment.TILL_PORT ?? '';
    expect(environment).toEqual({
      DATA_DIR: join(root, '/var/lib/app'),
      LEVEL: 'info',
      TILL_HOST: '127.0.0.1',
      TILL_PORT: expect.stringMatching(/^\d{4,5}$/),
      // Two brokers of the file are one here; the collector is none, so nobody is sent there.
      BROKERS: '127.0.0.1:5001',
      OTHER_URL: 'http://127.0.0.1:5002/path',
    });
    expect(healthUrl(surroundings, till(file))).toBe(`http://127.0.0.1:${port}/readyz`);
  });

  test('behavior: a published port that somebody set is kept', async () => {
    const file = readComposeFile(text, (name) => (name === 'TILL_PORT' ? '18080' : undefined));
    const surroundings = await surroundingsOf(file);
    expect(surroundings.addresses.get('till:8080')).toBe('127.0.0.1:18080');
  });

  test('behavior: what is written to a mount stands in its volume, also after the next start', async () => {
    const file = readComposeFile(text, () => undefined);
    const surroundings = await surroundingsOf(file);
    for (const content of ['first', 'second']) {
      const root = await makeRoot(surroundings, till(file));
      await writeFile(join(root, '/secrets/till/key'), content);
      expect(await readFile(join(volumePath(directory, 'secrets'), 'key'), 'utf8')).toBe(content);
    }
  });
});

describe('the file', () => {
  test('error: config_invalid for a port that everybody could reach', () => {
    const open = text.replace('127.0.0.1:${TILL', '${TILL');
    expect(() => readComposeFile(open, () => undefined)).toThrow('127.0.0.1 only');
  });

  test('error: config_invalid for what this reader does not understand', () => {
    const shell = text.replace('image: app:1.0.0', 'image: app:1.0.0\n    command: sh -c x');
    expect(() => readComposeFile(shell, () => undefined)).toThrow('/services/till/command');
  });
});
