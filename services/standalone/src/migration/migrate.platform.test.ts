import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setGeneration } from '@paycrawl/events/topics';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { childEnvironment } from '../config.js';
import { auditLines, cleanVerdict } from '../testing/audit-cli.js';
import { type CountedOrigin, startCountedOrigin } from '../testing/counted-origin.js';
import { type LogView, openLogView } from '../testing/log-view.js';
import { type PlatformProcess, startPlatformProcess } from '../testing/platform-process.js';
import { registerPublisher, type SecondPublisher } from '../testing/publisher.js';
import { type Balance, openReadApi, sumOf } from '../testing/read-api.js';
import { openVisitor, type Visitor } from '../testing/visitor.js';

// The whole platform grows from 2 to 8 partitions while it runs, with charges that wait and a
// delivery that never ends, and goes on.

const cli = fileURLToPath(new URL('../../dist/migration/migrate-cli.js', import.meta.url));
const eventually = { timeout: 60_000, interval: 200 };
const waits = { SETTLEMENT_BATCH_AGE_MAX_MS: '600000' };
const settles = { SETTLEMENT_BATCH_AGE_MAX_MS: '200' };

let platform: PlatformProcess;
let origin: CountedOrigin;
let publisher: SecondPublisher;
let view: LogView;
let visitor: Visitor;
const proofs: { readonly wallet: Wallet; readonly path: string; readonly proof: string }[] = [];
let before: Balance;

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function migrate(...argv: string[]): Promise<Ran> {
  const env = { ...childEnvironment(), DATA_DIR: platform.dataDir };
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...argv], { env }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

async function start(environment: Readonly<Record<string, string>>): Promise<void> {
  const dataDir = platform === undefined ? {} : { dataDir: platform.dataDir };
  platform = await startPlatformProcess({
    ...dataDir,
    environment: { PARTITIONS: '2', CHAIN_FINALITY_DEPTH: '2', ...environment },
  });
  visitor?.close();
  visitor = openVisitor(platform.run.ingress);
}

const at = (path: string) => ({ path, host: publisher.host });
const api = () => openReadApi(platform.run, platform.run.operator.token);
const balance = () => api().get<Balance>(`/v1/publishers/${publisher.id}/balance`);
const paths = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `/page-${from + index}`);

async function pay(pages: readonly string[]): Promise<void> {
  for (const [index, path] of pages.entries()) {
    const wallet = platform.run.wallets[index % platform.run.wallets.length] as Wallet;
    const proof = await visitor.proof(wallet, at(path));
    expect(await visitor.present(proof, at(path))).toMatchObject({ status: 200 });
    proofs.push({ wallet, path, proof });
  }
}

async function chargedIs(count: number): Promise<void> {
  const charged = async () => expect(sumOf((await balance()).charged)).toBe(1000n * BigInt(count));
  await vi.waitFor(charged, eventually);
}

beforeAll(async () => {
  await start(settles);
  view = openLogView(platform.dataDir);
  origin = await startCountedOrigin();
  publisher = await registerPublisher(view.log, platform.run, origin.origin);
  await vi.waitFor(() => visitor.offer(at('/')), eventually);
}, 120_000);

afterAll(async () => {
  visitor?.close();
  await view?.close();
  await origin?.close();
  await platform?.remove();
  setGeneration(1);
});

describe('a platform that grows', () => {
  test('behavior: some is settled, some waits, one delivery never ends', async () => {
    await pay(paths(0, 5));
    await vi.waitFor(async () => {
      expect(sumOf((await balance()).settled)).toBe(5_000n);
    }, eventually);
    await platform.stop();
    await start(waits);
    await vi.waitFor(() => visitor.offer(at('/')), eventually);
    await pay(paths(5, 10));
    origin.answer('/never', () => undefined);
    const [wallet] = platform.run.wallets;
    const endless = await visitor.proof(wallet as Wallet, at('/never'));
    void visitor.present(endless, at('/never')).catch(() => undefined);
    await vi.waitFor(() => expect(origin.asked('/never')).toBe(1), eventually);
    await chargedIs(10);
    before = await balance();
  }, 180_000);

  test('behavior: a dry run counts and writes nothing', async () => {
    const ran = await migrate('--partitions', '8', '--dry-run');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/settlement: \d+ entries, 5 charges/);
    const topics = await view.log.topics();
    expect(topics.filter(({ name }) => name.endsWith('.2'))).toEqual([]);
  }, 60_000);

  test('error: migration_counts_invalid for fewer', async () => {
    const ran = await migrate('--partitions', '1');
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toContain('migration_counts_invalid');
  }, 60_000);

  test('behavior: it moves, and the old processes end', async () => {
    const ran = await migrate('--partitions', '8');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('generation 2 is in force: 8 partitions');
    expect((await platform.ended()).code).toBe(1);
  }, 120_000);

  test('behavior: started again, it shows the same figures', async () => {
    await start(waits);
    const after = await balance();
    expect(after).toEqual(before);
  }, 120_000);

  test('behavior: a proof that was charged before is not charged again', async () => {
    for (const { proof, path } of proofs) {
      expect((await visitor.present(proof, at(path))).status).toBe(200);
      const elsewhere = await visitor.present(proof, at('/elsewhere'));
      expect(elsewhere.status).not.toBe(200);
    }
    await chargedIs(10);
  }, 120_000);

  test('behavior: new pages are paid in the new partitions, and all of it settles once', async () => {
    await platform.stop();
    await start(settles);
    await vi.waitFor(() => visitor.offer(at('/')), eventually);
    await pay(paths(10, 15));
    await vi.waitFor(async () => {
      expect(sumOf((await balance()).settled)).toBe(15_000n);
    }, eventually);
    expect(sumOf((await balance()).charged)).toBe(15_000n);
    setGeneration(2);
    const dues = await view.events('charges');
    expect(dues.some(({ type }) => type === 'ChargeDue')).toBe(true);
  }, 180_000);

  test('behavior: a second run finds nothing to do', async () => {
    const ran = await migrate('--partitions', '8');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('in force already');
  }, 60_000);

  test('behavior: the audit finds nothing lost or doubled over both generations', async () => {
    const lines = await auditLines(platform.dataDir);
    expect(lines.slice(-8).join('\n')).toContain(cleanVerdict);
  }, 120_000);
});
