import { join } from 'node:path';
import { setGeneration } from '@paycrawl/events/topics';
import { findDevnet } from '@paycrawl/testkit/devnet';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { auditLines, cleanVerdict } from '../testing/audit-cli.js';
import { type CountedOrigin, startCountedOrigin } from '../testing/counted-origin.js';
import { type LogView, openLogView } from '../testing/log-view.js';
import { type PlatformProcess, startPlatformProcess } from '../testing/platform-process.js';
import { registerPublisher, type SecondPublisher } from '../testing/publisher.js';
import { type Balance, openReadApi, sumOf } from '../testing/read-api.js';
import { type Ran, runMigrate, runProgram } from '../testing/run-command.js';
import { openVisitor, type Visitor } from '../testing/visitor.js';

// The whole platform grows from 2 to 8 partitions while it runs, with a batch that the chain does
// not answer for, charges that wait and a delivery that never ends, and goes on.

const eventually = { timeout: 60_000, interval: 200 };
const waits = { SETTLEMENT_BATCH_AGE_MAX_MS: '600000' };
const dayMs = 24 * 3600 * 1000;
const settles = { SETTLEMENT_BATCH_AGE_MAX_MS: '200' };

let platform: PlatformProcess;
let origin: CountedOrigin;
let publisher: SecondPublisher;
/** Whose delivery never ends: its outcome may be told before the platform ends, or carried late. */
let other: SecondPublisher;
let view: LogView;
let visitor: Visitor;
const proofs: { readonly wallet: Wallet; readonly path: string; readonly proof: string }[] = [];

interface Figures {
  readonly revenue: readonly unknown[];
  readonly crawls: readonly { readonly id: string; readonly status: string }[];
  readonly crawl: unknown;
  readonly settlements: readonly { readonly id: string }[];
  readonly balance: Balance;
}
let before: Figures;
let startedMs: number;

function migrate(...argv: string[]): Promise<Ran> {
  return runMigrate(argv, { DATA_DIR: platform.dataDir });
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

/** Everything that the API shows about the publisher's money, for one and the same period. */
async function readFigures(): Promise<Figures> {
  const { get } = api();
  const dayOf = (atMs: number) => new Date(atMs).toISOString().slice(0, 10);
  const period = `from=${dayOf(startedMs - dayMs)}&to=${dayOf(startedMs + 2 * dayMs)}`;
  const site = `/v1/publishers/${publisher.id}`;
  const revenue = [];
  for (const by of ['day', 'hour', 'crawler', 'path', 'dialect', 'status']) {
    revenue.push(await get(`${site}/revenue?by=${by}&${period}`));
  }
  const { crawls } = await get<Pick<Figures, 'crawls'>>(`${site}/crawls?${period}`);
  const paid = crawls.find(({ status }) => status === 'settled');
  const crawl = await get(`/v1/crawls/${paid?.id}`);
  const query = `/v1/settlements?publisher=${publisher.id}`;
  const { settlements } = await get<Pick<Figures, 'settlements'>>(query);
  return { revenue, crawls, crawl, settlements, balance: await balance() };
}

/** log = ledger = ClickHouse = chain, with nothing left to read. */
async function reconciles(): Promise<void> {
  type Found = { outcome: string; lag: number; checks: { difference?: unknown }[] };
  const found = () => api().get<Found>('/v1/reconciliation');
  await vi.waitFor(async () => {
    expect(await found()).toMatchObject({ outcome: 'equal', lag: 0 });
  }, eventually);
}

async function chargedIs(count: number): Promise<void> {
  const charged = async () => expect(sumOf((await balance()).charged)).toBe(1000n * BigInt(count));
  await vi.waitFor(charged, eventually);
}

async function settledIs(count: number): Promise<void> {
  const settled = async () => expect(sumOf((await balance()).settled)).toBe(1000n * BigInt(count));
  await vi.waitFor(settled, eventually);
}

beforeAll(async () => {
  startedMs = Date.now();
  await start(settles);
  view = openLogView(platform.dataDir);
  origin = await startCountedOrigin();
  publisher = await registerPublisher(view.log, platform.run, origin.origin);
  other = await registerPublisher(view.log, platform.run, origin.origin, 'other');
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
  test('error: migration_batches_open while the chain does not answer for a batch', async () => {
    await pay(paths(0, 5));
    await settledIs(5);
    const chain = await findDevnet(join(platform.dataDir, 'devnet'));
    if (chain.outcome !== 'found') expect.fail('there is no devnet');
    const sealed = async () =>
      (await view.events('settlements')).flatMap(({ type, data }) =>
        type === 'BatchSealed' ? [(data as { batchId: string }).batchId] : [],
      );
    const known = new Set(await sealed());
    await chain.devnet.setInterval(0);
    await pay(paths(5, 6));
    await vi.waitFor(async () => expect((await sealed()).length).toBe(known.size + 1), eventually);
    const [open = ''] = (await sealed()).filter((id) => !known.has(id));
    const ran = await migrate('--partitions', '8', '--wait-s', '1');
    expect(ran.stdout).toContain(`waiting for the chain: ${open}`);
    expect(ran.stderr).toContain(`migration_batches_open: ${open}`);
    expect(ran.code).toBe(1);
    await chain.devnet.setInterval(1);
    await settledIs(6);
  }, 180_000);

  test('behavior: nothing new is sealed from then on, and one delivery never ends', async () => {
    await platform.stop();
    // Else their time would have come when the new generation begins.
    await start(waits);
    await vi.waitFor(async () => {
      const patient = (await view.events('charges')).filter(
        ({ type, data }) =>
          type === 'SettlementSettingsChanged' &&
          'batchAgeMaxMs' in data &&
          data.batchAgeMaxMs > 1e5,
      );
      expect(patient.length).toBeGreaterThanOrEqual(2);
    }, eventually);
    await vi.waitFor(() => visitor.offer(at('/')), eventually);
    await pay(paths(6, 10));
    origin.answer('/never', () => undefined);
    const [wallet] = platform.run.wallets;
    const never = { path: '/never', host: other.host };
    const endless = await visitor.proof(wallet as Wallet, never);
    void visitor.present(endless, never).catch(() => undefined);
    await vi.waitFor(() => expect(origin.asked('/never')).toBe(1), eventually);
    await chargedIs(10);
    await reconciles();
    before = await readFigures();
    expect(sumOf(before.balance.settled)).toBe(6_000n);
    expect(before.crawls.filter(({ status }) => status === 'charged')).toHaveLength(4);
  }, 180_000);

  test('behavior: a dry run counts and writes nothing', async () => {
    const ran = await migrate('--partitions', '8', '--dry-run');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/settlement: \d+ entries, 4 charges/);
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
    expect(ran.stdout).toMatch(/no payment was decided for \d+ ms/);
    expect((await platform.ended()).code).toBe(1);
  }, 120_000);

  test('behavior: started again, the API shows the same figures, and they reconcile', async () => {
    await start(waits);
    await reconciles();
    expect(await readFigures()).toEqual(before);
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
    await settledIs(15);
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

  test('behavior: rebuilt from both generations, the figures are the same', async () => {
    await reconciles();
    const served = await readFigures();
    await platform.stop();
    const environment = { DATA_DIR: platform.dataDir };
    const ran = await runProgram('services/analytics/dist/rebuild-cli.js', [], environment);
    expect(ran.stderr).toBe('');
    expect(ran.stdout).toContain('the rebuilt projection is served');
    for (const [, missing] of ran.stdout.matchAll(/(\d+) missing/g)) expect(missing).toBe('0');
    await start(waits);
    await reconciles();
    expect(await readFigures()).toEqual(served);
  }, 180_000);
});
