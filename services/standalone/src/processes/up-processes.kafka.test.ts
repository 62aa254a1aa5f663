import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Hex } from 'viem';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { childEnvironment } from '../config.js';
import { payWithV2 } from '../demo/paying-fetch.js';
import type { RunFile } from '../run-file.js';
import { auditLines, cleanVerdict } from '../testing/audit-cli.js';
import { type Money, openReadApi, sumOf } from '../testing/read-api.js';
import { endDevnet } from './stand-ins.js';

// `npm run up:processes`: docker-compose.yml with a broker of its own, paid by a published client.

const program = fileURLToPath(new URL('../../dist/processes/processes-cli.js', import.meta.url));
const readyTimeoutMs = 240_000;
const eventually = { timeout: 60_000, interval: 200 };
const page = '/articles/serverless.html';

let dataDir: string;
let runFile: string;
let launcher: ChildProcess;
let said = '';

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'paycrawl-processes-'));
  runFile = join(dataDir, 'run.json');
  await launch();
}, readyTimeoutMs);

afterAll(async () => {
  await stop();
  await endDevnet(dataDir);
  await rm(dataDir, { recursive: true, force: true });
});

async function launch(): Promise<void> {
  said = '';
  launcher = spawn(process.execPath, [program], {
    env: { ...childEnvironment(), DATA_DIR: dataDir, RUN_FILE: runFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [launcher.stdout, launcher.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  const isSettled = () => existsSync(runFile) || launcher.exitCode !== null;
  await vi.waitUntil(isSettled, { timeout: readyTimeoutMs, interval: 200 });
  expect(launcher.exitCode, said).toBe(null);
}

async function stop(): Promise<number | null> {
  if (launcher.exitCode !== null || launcher.signalCode !== null) return launcher.exitCode;
  const exited = once(launcher, 'exit');
  launcher.kill('SIGTERM');
  await exited;
  return launcher.exitCode;
}

const readRun = async () => JSON.parse(await readFile(runFile, 'utf8')) as RunFile;

/** Programs of this machine that know the data folder, by command line or environment. */
function processesOf(folder: string): { readonly pid: number; readonly command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => `${proc(pid, 'cmdline')}${proc(pid, 'environ')}`.includes(folder))
    .map((pid) => ({ pid: Number(pid), command: proc(pid, 'cmdline').replaceAll('\0', ' ') }));
}

function pidsOf(service: string): readonly number[] {
  return processesOf(dataDir)
    .filter(({ command }) => command.includes(`services/${service}/dist/main.js`))
    .map(({ pid }) => pid);
}

function proc(pid: string, name: string): string {
  try {
    return readFileSync(join('/proc', pid, name), 'utf8');
  } catch {
    // Gone between the list and the question.
    return '';
  }
}

async function payFor(run: RunFile, wallet: number): Promise<Response> {
  const privateKey = run.wallets[wallet]?.privateKey as Hex;
  const crawler = payWithV2({ privateKey, rpcUrl: run.chain.rpc, budget: 1_000_000n });
  return crawler.fetch(`${run.ingress}${page}`, { headers: { 'user-agent': 'GPTBot/1.3' } });
}

interface Revenue {
  readonly total: { readonly charged: readonly Money[]; readonly settled: readonly Money[] };
}

async function revenueOf(run: RunFile): Promise<Revenue['total']> {
  const path = `/v1/publishers/${run.publisher.id}/revenue?by=day`;
  return (await openReadApi(run).get<Revenue>(path)).total;
}

describe('every service of docker-compose.yml as a process', () => {
  test('behavior: all of them run, with the programs of the file', () => {
    const programs = { ingress: 2, verifier: 2, metering: 1, settlement: 1, analytics: 1 };
    for (const [service, count] of Object.entries(programs)) {
      expect(pidsOf(service), service).toHaveLength(count);
    }
    expect(said).toContain('not started, containers only: otel-collector, prometheus, grafana');
  });

  test('behavior: a page that a published client pays for is revenue, and settled', async () => {
    const run = await readRun();
    const answer = await payFor(run, 0);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('payment-response')).not.toBe(null);
    const settled = async () => sumOf((await revenueOf(run)).settled);
    await expect.poll(settled, eventually).toBe(1_000n);
    expect(sumOf((await revenueOf(run)).charged)).toBe(1_000n);
  }, 90_000);

  test('behavior: the audit reads this log and finds nothing', async () => {
    const brokers = /KAFKA_BROKERS=(\S+)/.exec(said)?.[1] ?? '';
    const lines = await auditLines(dataDir, { EVENT_LOG: 'kafka', KAFKA_BROKERS: brokers });
    expect(lines.at(-1), lines.join('\n')).toContain(cleanVerdict);
  }, 60_000);

  test('behavior: secrets are files of their owner, and in no environment', async () => {
    const volumes = join(dataDir, 'volumes');
    const { tokens } = JSON.parse(
      await readFile(join(volumes, 'secrets-operator', 'access.json'), 'utf8'),
    ) as { tokens: { operator: string } };
    const password = await readFile(join(volumes, 'secrets-analytics', 'clickhouse-password'));
    const signers = await readFile(join(volumes, 'secrets-settlement', 'signers.json'), 'utf8');
    const [, key = ''] = /"privateKey":"0x([0-9a-f]{64})"/.exec(signers) ?? [];
    for (const secret of [tokens.operator, password.toString().trim(), key]) {
      expect(secret.length).toBeGreaterThan(30);
      const leaks = readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .filter((pid) => proc(pid, 'environ').includes(secret));
      expect(leaks).toEqual([]);
    }
  });
});

describe('stop and start', () => {
  test('behavior: a service that dies is started again, as the file says', async () => {
    const [pid = 0] = pidsOf('metering');
    process.kill(pid, 'SIGKILL');
    const others = () => pidsOf('metering').filter((other) => other !== pid);
    await expect.poll(others, eventually).toHaveLength(1);
    expect(said).toContain('metering ended with a signal');
  }, 90_000);

  test('behavior: SIGTERM ends everything but the devnet, whose chain would be gone', async () => {
    expect(await stop(), said).toBe(0);
    expect(existsSync(runFile)).toBe(false);
    const left = processesOf(dataDir);
    expect(left).toHaveLength(1);
    expect(left[0]?.command).toContain('anvil');
  }, 120_000);

  test(
    'behavior: the next start goes on with the books of the last',
    async () => {
      await launch();
      const run = await readRun();
      expect(sumOf((await revenueOf(run)).charged)).toBe(1_000n);
      expect((await payFor(run, 1)).status).toBe(200);
      const charged = async () => sumOf((await revenueOf(run)).charged);
      await expect.poll(charged, eventually).toBe(2_000n);
    },
    readyTimeoutMs,
  );

  test(
    'behavior: what a killed launcher left is ended by the next start',
    async () => {
      const exited = once(launcher, 'exit');
      launcher.kill('SIGKILL');
      await exited;
      const left = pidsOf('ingress');
      expect(left).toHaveLength(2);
      await rm(runFile);
      await launch();
      expect(pidsOf('ingress').filter((pid) => left.includes(pid))).toEqual([]);
      expect(sumOf((await revenueOf(await readRun())).charged)).toBe(2_000n);
      expect(await stop(), said).toBe(0);
      await endDevnet(dataDir);
      expect(processesOf(dataDir)).toEqual([]);
    },
    readyTimeoutMs,
  );
});
