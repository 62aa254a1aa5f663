import { appendFile, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import { openLmdbImport } from '@paycrawl/event-log/lmdb/import';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { auditLines, cleanVerdict } from '../testing/audit-cli.js';
import { openLogView } from '../testing/log-view.js';
import { type PlatformProcess, startPlatformProcess } from '../testing/platform-process.js';
import { runOperator } from '../testing/run-command.js';
import { openVisitor } from '../testing/visitor.js';
import { backup } from './backup.js';
import { manifestFile } from './backup-format.js';
import { contentOf, fill } from './log-copy.given.js';
import { restore } from './restore.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-backup-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const at = (name: string) => join(directory, name);

describe('a backup of LMDB', () => {
  async function filled() {
    let nowMs = 1_000;
    // Segments so small that there are several, and a clock that stands still now and then.
    const options = {
      segmentBytesMax: 2_000,
      clock: () => Math.floor(nowMs++ / 3),
      retentionEveryMs: 0,
    };
    const log = openLmdbLog({ directory: at('log'), ...options });
    await fill(log);
    return log;
  }

  test('behavior: restored elsewhere it is the same log, position by position', async () => {
    const log = await filled();
    const { excluded } = await backup(log, at('backup'), 5_000);
    const { records } = await restore(openLmdbImport(at('restored')), at('backup'));
    expect(records).toBe(200);
    const restored = openLmdbLog({ directory: at('restored'), retentionEveryMs: 0 });
    expect(await contentOf(restored)).toEqual(await contentOf(log));
    expect(excluded.join()).toMatch(/secrets.*wakeups-ingress-1/);
    // It is a log like any other from there on.
    const [appended] = await restored
      .producer()
      .append([{ topic: 'payments.1', partition: 1, key: 'k', value: Buffer.from('x') }]);
    expect(appended?.offset).toBe(100);
    expect(appended?.timestampMs).toBeGreaterThan(1_600_000_000_000);
    await restored.close();
    await log.close();
  });

  test('error: restore_not_empty', async () => {
    const log = await filled();
    await backup(log, at('backup'), 5_000);
    const codeOf = (work: Promise<unknown>) => work.catch((error: unknown) => error);
    expect(hasCode(await codeOf(backup(log, at('backup'), 6_000)), 'restore_not_empty')).toBe(true);
    const error = await codeOf(restore(openLmdbImport(at('log')), at('backup')));
    expect(hasCode(error, 'restore_not_empty')).toBe(true);
    await log.close();
  });

  test.each([
    ['no manifest', () => rm(join(at('backup'), manifestFile))],
    ['another format', () => writeFile(join(at('backup'), manifestFile), '{"format":"tar"}')],
    ['no JSON', () => writeFile(join(at('backup'), manifestFile), '{')],
    ['a byte more', async () => appendFile(await segment(), '\n')],
    ['a file less', async () => rm(await segment())],
  ])('error: backup_damaged (%s), before anything is written', async (_, damage) => {
    const log = await filled();
    await backup(log, at('backup'), 5_000);
    await log.close();
    await damage();
    const error = await restore(openLmdbImport(at('restored')), at('backup')).catch(
      (reason: unknown) => reason,
    );
    expect(hasCode(error, 'backup_damaged')).toBe(true);
    expect(await readdir(directory)).not.toContain('restored');
  });

  async function segment(): Promise<string> {
    const folder = join(at('backup'), 'records', 'payments.1', '1');
    const [file = ''] = await readdir(folder);
    return join(folder, file);
  }
});

describe('a platform', () => {
  const path = '/articles/serverless.html';
  const eventually = { timeout: 60_000, interval: 200 };
  const environment = { SETTLEMENT_BATCH_AGE_MAX_MS: '500', VERIFIER_SNAPSHOT_INTERVAL_MS: '1000' };
  let platform: PlatformProcess | undefined;

  afterEach(() => platform?.remove());

  test('behavior: backed up under load, restored into an empty folder: nothing is decided twice', async () => {
    const first = await startPlatformProcess({ environment });
    platform = first;
    const wallets = first.run.wallets as readonly Wallet[];
    const visitor = openVisitor(first.run.ingress);
    const early = await visitor.proof(wallets[0] as Wallet, { path });
    expect((await visitor.present(early, { path })).status).toBe(200);
    let isOn = true;
    let served = 0;
    const loops = wallets.map(async (wallet) => {
      while (isOn) if ((await visitor.pay(wallet, { path })).status === 200) served += 1;
    });
    await expect.poll(() => served, eventually).toBeGreaterThan(20);
    const taken = await runOperator('backup', [at('backup')], { DATA_DIR: first.dataDir });
    expect(taken).toMatchObject({ code: 0, stderr: '' });
    expect(taken.stdout).toMatch(/not in it: secrets/);
    const servedByThen = served;
    await expect.poll(() => served, eventually).toBeGreaterThan(servedByThen + 10);
    isOn = false;
    await Promise.all(loops);
    visitor.close();
    await first.stop();

    // Another machine: the log from the backup, the secrets from where they are kept.
    const dataDir = at('data');
    for (const name of ['secrets', 'devnet']) {
      await cp(join(first.dataDir, name), join(dataDir, name), { recursive: true });
    }
    await rm(first.dataDir, { recursive: true, force: true });
    const restored = await runOperator('restore', [at('backup')], { DATA_DIR: dataDir });
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    const again = await runOperator('restore', [at('backup')], { DATA_DIR: dataDir });
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/^restore_not_empty/);
    expect((await auditLines(dataDir)).at(-1)).toBe(cleanVerdict);

    // At the same address, because quotes name it.
    const { port } = new URL(first.run.ingress);
    const there = { ...environment, INGRESS_PORT: port };
    platform = await startPlatformProcess({ dataDir, environment: there });
    const later = openVisitor(platform.run.ingress);
    const repeat = await later.present(early, { path });
    // Charged before: served again without a charge.
    expect(repeat.status).toBe(200);
    expect((await later.pay(wallets[1] as Wallet, { path })).status).toBe(200);
    later.close();
    const view = openLogView(dataDir);
    // Folds go on from their snapshots and write once more what they wrote since: by id it is one.
    const idsOf = async (type: string) =>
      (await view.events('decisions')).flatMap((event) =>
        event.type === type && 'chargeId' in event.data ? [[event.id, event.data.chargeId]] : [],
      );
    const chargesOf = async (type: string) => [
      ...new Map((await idsOf(type)) as [string, string][]).values(),
    ];
    const outstanding = async () =>
      (await chargesOf('ChargePosted')).length - (await chargesOf('ChargeSettled')).length;
    await expect.poll(outstanding, eventually).toBe(0);
    const posted = await chargesOf('ChargePosted');
    await view.close();
    await expect
      .poll(async () => (await auditLines(dataDir)).at(-1), eventually)
      .toBe(cleanVerdict);
    expect(new Set(posted).size).toBe(posted.length);
  }, 240_000);
});
