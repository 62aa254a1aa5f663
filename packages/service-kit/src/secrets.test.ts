import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import { expect, onTestFinished, test } from 'vitest';
import { openDataDir } from './data-dir.js';
import { randomSecret, readOrCreateSecret } from './secrets.js';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'paycrawl-kit-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('behavior: made once with mode 0600, then read', async () => {
  const path = join(await folder(), 'secrets', 'quote.key');
  const first = await readOrCreateSecret(path, randomSecret);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(await readOrCreateSecret(path, () => 'other')).toBe(first);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('property: many at once agree on one secret and leave nothing else behind', async () => {
  const directory = await folder();
  const path = join(directory, 'signer.key');
  const all = await Promise.all(
    Array.from({ length: 32 }, () => readOrCreateSecret(path, randomSecret)),
  );
  expect(new Set(all).size).toBe(1);
  expect(await readdir(directory)).toEqual(['signer.key']);
});

test('behavior: a mode that others can read is tightened', async () => {
  const path = join(await folder(), 'k');
  await writeFile(path, 'abc\n');
  await chmod(path, 0o644);
  expect(await readOrCreateSecret(path, randomSecret)).toBe('abc');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('error: secret_unreadable', async () => {
  const path = join(await folder(), 'k');
  await writeFile(path, '\n');
  const error = await readOrCreateSecret(path, randomSecret).catch((reason: unknown) => reason);
  expect(hasCode(error, 'secret_unreadable')).toBe(true);
});

test('error: secret_unreadable where a mounted secret is missing', async () => {
  const path = join(await folder(), 'k');
  const reading = readOrCreateSecret(path, randomSecret, { mayCreate: false });
  const error = await reading.catch((reason: unknown) => reason);
  expect(hasCode(error, 'secret_unreadable')).toBe(true);
  expect(await readdir(dirname(path))).toEqual([]);
});

test('error: data_dir_in_use', async () => {
  const path = await folder();
  const held = openDataDir(path);
  expect(() => openDataDir(path)).toThrowError(/data_dir_in_use/);
  held.release();
  openDataDir(path).release();
  expect(await readdir(path)).toEqual([]);
});

test('behavior: the lock of a process that is gone, or of a reused pid, does not block', async () => {
  const path = await folder();
  for (const owner of ['999999999 1', `${process.pid} 1`, 'rubbish']) {
    await writeFile(join(path, 'owner.pid'), owner);
    openDataDir(path).release();
  }
});
