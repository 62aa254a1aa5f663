import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadTokens } from '@paycrawl/analytics/access/tokens';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeSecrets, readOperatorSecrets } from './secrets.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-secrets-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const make = () => makeSecrets({ directory, partitions: 3, clickhouseUser: 'paycrawl' });

async function allFiles(): Promise<Record<string, string>> {
  const paths = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = paths.filter((entry) => entry.isFile());
  const entries = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [path.slice(directory.length + 1), await readFile(path, 'utf8')] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

test('behavior: each service has its own secrets, readable by their owner alone', async () => {
  await make();
  const files = await allFiles();
  expect(Object.keys(files).sort()).toEqual([
    'analytics/clickhouse-password',
    'analytics/tokens.json',
    'clickhouse/paycrawl.xml',
    'ingress/quote-keys.json',
    'operator/access.json',
    'operator/token-seed',
    'operator/tokens.json',
    'settlement/signers.json',
  ]);
  for (const path of Object.keys(files)) {
    const { mode } = await stat(join(directory, path));
    const isPublic = path === 'clickhouse/paycrawl.xml';
    expect(mode & 0o777, path).toBe(isPublic ? 0o644 : 0o600);
  }
});

test('behavior: what is there stays, however often it runs', async () => {
  const first = await make();
  const before = await allFiles();
  expect(await make()).toEqual(first);
  expect(await allFiles()).toEqual(before);
});

test('behavior: signing keys and tokens do not leave their folders', async () => {
  const { tokens, signers } = await make();
  expect(await readOperatorSecrets(join(directory, 'operator'))).toEqual({ tokens, signers });
  expect(signers).toHaveLength(3);
  const { 'settlement/signers.json': keys = '', ...others } = await allFiles();
  const secrets = [...keys.matchAll(/0x[0-9a-f]{64}/g)].map(([key]) => key);
  expect(secrets).toHaveLength(3);
  for (const text of Object.values(others)) {
    for (const secret of secrets) expect(text).not.toContain(secret);
  }
  // The API knows hashes, and by them whoever brings the token.
  expect(others['analytics/tokens.json']).not.toContain(tokens.operator);
  const book = loadTokens(join(directory, 'analytics'));
  expect(book.principalOf(`Bearer ${tokens.operator}`)?.role).toBe('operator');
});

test('behavior: ClickHouse knows the one user by the hash of its password', async () => {
  await make();
  const files = await allFiles();
  const password = files['analytics/clickhouse-password']?.trim() ?? '';
  const users = files['clickhouse/paycrawl.xml'] ?? '';
  expect(password.length).toBe(64);
  expect(users).not.toContain(password);
  expect(users).toContain(createHash('sha256').update(password).digest('hex'));
  expect(users).toContain('<default remove="remove"/>');
});
